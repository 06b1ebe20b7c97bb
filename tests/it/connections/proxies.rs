//! Proxies named by the environment: what they see, what they are not shown, and what happens when they refuse.
//!
//! The provider's name exists nowhere: whoever looks it up instead of leaving that to the proxy fails.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{ask, assert_bad_gateway, assert_says, serve, setup, whole, with_length};
use crate::support::{Accepted, Answer, Asked, Face, FakeUpstream, ManualServer, Setup, TestRelay};

/// `me:se@cret`, as it stands in an address and in a header.
const LOGIN: &str = "me:se%40cret";
const BASIC_LOGIN: &str = "Basic bWU6c2VAY3JldA==";

/// A relay whose provider is reached through this server.
fn behind(proxy: &ManualServer, variable: &str, scheme: &str, base_url: &str) -> TestRelay {
    through(setup(base_url), proxy, variable, scheme).start()
}

fn through(setup: Setup, proxy: &ManualServer, variable: &str, scheme: &str) -> Setup {
    setup.env(variable, &format!("{scheme}://{LOGIN}@{}", proxy.address()))
}

fn answer(text: &str) -> String {
    with_length(&whole(text))
}

fn assert_whole_address(asked: &Asked) {
    assert_eq!(asked.line, "POST http://provider.test:81/v1/chat/completions HTTP/1.1");
    assert_eq!(asked.header("host"), Some("provider.test:81"));
    assert_eq!(asked.header("proxy-authorization"), Some(BASIC_LOGIN));
    assert_eq!(asked.header("authorization"), Some("Bearer test-key"));
}

#[test]
fn a_proxy_for_plain_requests_sees_the_whole_address_and_its_own_login() {
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        let proxy = ManualServer::start();
        let relay = behind(&proxy, variable, "http", "http://provider.test:81/v1");
        let asking = ask(relay.client(), Face::OpenAi, false);
        let mut connection = proxy.accept();
        assert_whole_address(&connection.request());
        connection.send(answer("through"));
        assert_says(Face::OpenAi, &asking.reply(), "through");

        // On a connection that was kept it is the same.
        let asking = ask(relay.client(), Face::OpenAi, false);
        assert_whole_address(&connection.request());
        connection.send(answer("again"));
        assert_says(Face::OpenAi, &asking.reply(), "again");
    }
}

#[test]
fn credentials_in_a_providers_address_are_in_no_request_line() {
    let proxy = ManualServer::start();
    // A provider that needs no key, so the address's credentials are the ones that count.
    let provider = "providers:\n  box: { protocol: ollama, base_url: \"http://user:pa%24s@box.test\", models: [m] }\n";
    let relay = through(TestRelay::setup().relay_yaml(provider), &proxy, "HTTP_PROXY", "http").start();
    let body = Face::Ollama.ask("box/m", "hi", false);
    let client = relay.client();
    let asking = std::thread::spawn(move || client.post(Face::Ollama.path(), &body));
    let mut connection = proxy.accept();
    let asked = connection.request();
    assert_eq!(asked.line, "POST http://box.test/api/chat HTTP/1.1");
    assert_eq!(asked.header("host"), Some("box.test"));
    // `user:pa$s`
    assert_eq!(asked.header("authorization"), Some("Basic dXNlcjpwYSRz"));
    assert_eq!(asked.header("proxy-authorization"), Some(BASIC_LOGIN));
    drop(connection);
    let reply = asking.join().expect("the client gets an answer");
    let message = assert_bad_gateway(Face::Ollama, &reply);
    assert!(!message.contains("pa$s") && !message.contains("pa%24s"), "{message}");
}

#[test]
fn a_tunnel_that_is_refused_is_a_502() {
    for (variable, status) in [("HTTPS_PROXY", 403), ("https_proxy", 502), ("ALL_PROXY", 407)] {
        for (face, stream) in [(Face::OpenAi, false), (Face::OpenAi, true), (Face::Ollama, false), (Face::Ollama, true)]
        {
            let proxy = ManualServer::start();
            let relay = behind(&proxy, variable, "http", "https://provider.test/v1");
            let asking = ask(relay.client(), face, stream);
            let mut connection = proxy.accept();
            let asked = connection.request();
            assert_eq!(asked.line, "CONNECT provider.test:443 HTTP/1.1");
            assert_eq!(asked.header("host"), Some("provider.test:443"));
            assert_eq!(asked.header("proxy-authorization"), Some(BASIC_LOGIN));
            assert_eq!(asked.header("authorization"), None, "the provider's key is not the proxy's business");
            connection.send(format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n"));
            let message = assert_bad_gateway(face, &asking.reply());
            assert!(message.contains("openai") && !message.contains("cret"), "{message}");
        }
    }
}

#[test]
fn a_proxy_that_is_not_there_is_a_502_that_keeps_its_login() {
    for scheme in ["http", "socks5h"] {
        let proxy = ManualServer::start();
        let relay = behind(&proxy, "ALL_PROXY", scheme, "http://provider.test/v1");
        drop(proxy);
        for face in Face::ALL {
            let reply = ask(relay.client(), face, false).reply();
            let message = assert_bad_gateway(face, &reply);
            assert!(message.contains("openai") && !message.contains("cret"), "{message}");
        }
        assert!(!relay.log().concat().contains("cret"), "{:#?}", relay.log());
    }
}

/// SOCKS version 5 (RFC 1928) with user and password (RFC 1929), up to the request; gives its address as it was sent.
fn greeted(connection: &mut Accepted) -> Vec<u8> {
    let greeting = connection.bytes(2);
    let methods = connection.bytes(greeting[1].into());
    assert_eq!(greeting[0], 5);
    assert!(methods.contains(&2), "user and password are offered: {methods:?}");
    connection.send([5, 2]);
    assert_eq!(connection.bytes(1), [1]);
    let mut text = || {
        let length = connection.bytes(1)[0];
        String::from_utf8(connection.bytes(length.into())).expect("logins are text")
    };
    assert_eq!([text(), text()], ["me", "se@cret"]);
    connection.send([1, 0]);

    assert_eq!(connection.bytes(3), [5, 1, 0], "a connection is asked for");
    let kind = connection.bytes(1)[0];
    let mut address = vec![kind];
    let length = match kind {
        1 => 4,
        4 => 16,
        3 => {
            address.extend(connection.bytes(1));
            usize::from(address[1])
        }
        other => panic!("address type {other}"),
    };
    address.extend(connection.bytes(length + 2));
    address
}

/// An answer of a SOCKS proxy, with an address that means nothing.
fn socks_reply(code: u8) -> [u8; 10] {
    [5, code, 0, 1, 0, 0, 0, 0, 0, 0]
}

fn domain(name: &str, port: u16) -> Vec<u8> {
    let length = u8::try_from(name.len()).expect("names are short");
    [&[3, length], name.as_bytes(), &port.to_be_bytes()].concat()
}

#[test]
fn a_socks_proxy_gets_the_name_and_then_the_request() {
    for (base_url, port) in [("http://provider.test:81/v1", 81), ("http://provider.test/v1", 80)] {
        let proxy = ManualServer::start();
        let relay = behind(&proxy, "ALL_PROXY", "socks5h", base_url);
        let asking = ask(relay.client(), Face::OpenAi, false);
        let mut connection = proxy.accept();
        assert_eq!(greeted(&mut connection), domain("provider.test", port), "{base_url}");
        connection.send(socks_reply(0));
        // From here on it is the provider.
        let asked = connection.request();
        assert_eq!(asked.line, "POST /v1/chat/completions HTTP/1.1");
        assert_eq!(asked.header("proxy-authorization"), None);
        connection.send(answer("through"));
        assert_says(Face::OpenAi, &asking.reply(), "through");

        let asking = ask(relay.client(), Face::OpenAi, false);
        serve(&mut connection, asking, Face::OpenAi, answer("again").as_bytes(), "again");
    }
}

#[test]
fn a_socks_proxy_without_h_gets_an_address_looked_up_here() {
    let proxy = ManualServer::start();
    let relay = behind(&proxy, "ALL_PROXY", "socks5", "http://localhost:81/v1");
    let asking = ask(relay.client(), Face::OpenAi, false);
    let mut connection = proxy.accept();
    let address = greeted(&mut connection);
    let v4 = [&[1][..], &Ipv4Addr::LOCALHOST.octets(), &[0, 81]].concat();
    let v6 = [&[4][..], &Ipv6Addr::LOCALHOST.octets(), &[0, 81]].concat();
    assert!(address == v4 || address == v6, "{address:?}");
    connection.send(socks_reply(0));
    serve(&mut connection, asking, Face::OpenAi, answer("through").as_bytes(), "through");
}

#[test]
fn a_socks_4_proxy_gets_an_address_of_the_fourth_version_unless_it_looks_names_up() {
    let end = [0, 81];
    for (scheme, asked) in [
        ("socks4", [&[4, 1][..], &end, &Ipv4Addr::LOCALHOST.octets(), &[0]].concat()),
        // An address that is none says that a name follows.
        ("socks4a", [&[4, 1][..], &end, &[0, 0, 0, 255, 0], b"localhost", &[0]].concat()),
    ] {
        let proxy = ManualServer::start();
        let relay = behind(&proxy, "ALL_PROXY", scheme, "http://localhost:81/v1");
        let asking = ask(relay.client(), Face::OpenAi, false);
        let mut connection = proxy.accept();
        assert_eq!(connection.bytes(asked.len()), asked, "{scheme}");
        connection.send([0, 90, 0, 0, 0, 0, 0, 0]);
        serve(&mut connection, asking, Face::OpenAi, answer("through").as_bytes(), "through");
    }
}

#[test]
fn a_name_that_does_not_exist_is_a_502_before_the_proxy_is_called() {
    // Longer than a part of a name can be: nobody has to be asked to know that it is none.
    let base_url = format!("http://{}.test/v1", "a".repeat(64));
    for scheme in ["socks4", "socks5"] {
        let proxy = ManualServer::start();
        let relay = behind(&proxy, "ALL_PROXY", scheme, &base_url);
        assert_bad_gateway(Face::OpenAi, &ask(relay.client(), Face::OpenAi, false).reply());
        assert!(proxy.waiting().is_none(), "{scheme}: the proxy was called");
    }
}

#[test]
fn tls_names_the_provider_that_was_looked_up() {
    let proxy = ManualServer::start();
    let relay = behind(&proxy, "HTTPS_PROXY", "socks5", "https://localhost/v1");
    let asking = ask(relay.client(), Face::OpenAi, false);
    let mut connection = proxy.accept();
    let address = greeted(&mut connection);
    assert!([1, 4].contains(&address[0]), "{address:?}");
    connection.send(socks_reply(0));
    let record = connection.bytes(5);
    let hello = connection.bytes(u16::from_be_bytes([record[3], record[4]]).into());
    assert!(hello.windows(9).any(|name| name == b"localhost"), "the name is for TLS: {hello:?}");
    drop(connection);
    assert_bad_gateway(Face::OpenAi, &asking.reply());
}

#[test]
fn tls_begins_behind_the_socks_proxy() {
    let proxy = ManualServer::start();
    let relay = behind(&proxy, "HTTPS_PROXY", "socks5h", "https://provider.test/v1");
    let asking = ask(relay.client(), Face::OpenAi, false);
    let mut connection = proxy.accept();
    assert_eq!(greeted(&mut connection), domain("provider.test", 443));
    connection.send(socks_reply(0));
    assert_eq!(connection.bytes(1), [22], "a TLS handshake");
    drop(connection);
    assert_bad_gateway(Face::OpenAi, &asking.reply());
}

#[test]
fn a_refusing_socks_proxy_is_a_502() {
    for face in Face::ALL {
        let proxy = ManualServer::start();
        let relay = behind(&proxy, "ALL_PROXY", "socks5h", "http://provider.test/v1");
        let asking = ask(relay.client(), face, false);
        let mut connection = proxy.accept();
        greeted(&mut connection);
        // Connection refused.
        connection.send(socks_reply(5));
        let message = assert_bad_gateway(face, &asking.reply());
        assert!(message.contains("openai") && !message.contains("cret"), "{message}");
    }
}

#[test]
fn hosts_in_no_proxy_are_called_directly() {
    for (variable, value) in [("NO_PROXY", "127.0.0.1"), ("no_proxy", "example.test, 127.0.0.0/8"), ("NO_PROXY", "*")] {
        for scheme in ["http", "socks5h"] {
            let (proxy, upstream) = (ManualServer::start(), FakeUpstream::openai().answer(Answer::text("directly")));
            let setup = TestRelay::setup().upstreams(&[&upstream]);
            let relay = through(setup, &proxy, "ALL_PROXY", scheme).env(variable, value).start();
            let reply = ask(relay.client(), Face::OpenAi, false).reply();
            assert_says(Face::OpenAi, &reply, "directly");
            assert!(proxy.waiting().is_none(), "{variable}={value} {scheme}: the proxy was called");
        }
    }
}
