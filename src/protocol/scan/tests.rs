use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;

/// The fields as `serde_json` reads them.
fn reference(text: &str) -> Option<Vec<(String, &str)>> {
    struct Fields;

    impl<'de> serde::de::Visitor<'de> for Fields {
        type Value = Vec<(String, &'de str)>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut fields = Vec::new();
            while let Some(key) = map.next_key()? {
                fields.push((key, map.next_value::<&RawValue>()?.get()));
            }
            Ok(fields)
        }
    }

    serde::Deserializer::deserialize_map(&mut serde_json::Deserializer::from_str(text), Fields).ok()
}

fn scanned(text: &str) -> Option<Vec<(String, &str)>> {
    Some(object(text)?.into_iter().map(|(name, value)| (name.into_owned(), value)).collect())
}

/// Both read the same; returns whether it was an object.
fn agree(text: &str) -> bool {
    let read = scanned(text);
    assert_eq!(read, reference(text), "{text:?}");
    read.is_some()
}

#[test]
fn names_and_values_are_found() {
    let fields =
        scanned("\n { \"a\" : 1.50 ,\t\"b\\u00e9\":[ {\"x\":\"}\"} , null ]\r\n,\"\":\"\" } and more").unwrap();
    let wanted = [("a", "1.50"), ("bé", "[ {\"x\":\"}\"} , null ]"), ("", "\"\"")];
    assert_eq!(fields, wanted.map(|(name, value)| (name.to_owned(), value)));
}

#[test]
fn what_is_an_object_for_serde_json_is_one_here() {
    for value in [
        "0",
        "-0",
        "0.0",
        "1e5",
        "1E+5",
        "1.25e-3",
        "12345678901234567890123",
        "1e999",
        "true",
        "false",
        "null",
        "[]",
        "[ ]",
        "{}",
        "{ }",
        "[[[]]]",
        "[1,2]",
        "{\"b\":{\"c\":[{}]}}",
        "\"\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u0041\\uD83d\\uDe00\"",
        "\"\\ud800\"",
        "\"\\udc00x\"",
        "\"é你😀\u{7f}\u{80}\u{2028}\"",
        "\"[{\"",
    ] {
        assert!(agree(&format!("{{\"a\":{value}}}")), "{value}");
        assert!(agree(&format!(" {{ \"a\" : {value} , \"b\" : [ {value} , {value} ] }} ")), "{value}");
    }
    for rest in ["x", "{", "}", "\"", "\u{e9}", "\0"] {
        assert!(agree(&format!("{{\"a\":1}}{rest}")), "{rest}");
    }
}

#[test]
fn what_is_no_object_for_serde_json_is_none_here() {
    for value in [
        "",
        "-",
        "+1",
        "01",
        "-01",
        "00",
        "1.",
        ".5",
        "1.e5",
        "1e",
        "1e+",
        "1E-",
        "0x1",
        "1 2",
        "--1",
        "1-",
        "Infinity",
        "NaN",
        "tru",
        "truee",
        "True",
        "nul",
        "fals",
        "[",
        "[1",
        "[1,",
        "[,1]",
        "[1,]",
        "[1 2]",
        "[1}",
        "{",
        "{\"b\"",
        "{\"b\":",
        "{\"b\":1",
        "{\"b\":1,",
        "{\"b\":1,}",
        "{,}",
        "{b:1}",
        "{1:1}",
        "{\"b\" 1}",
        "{\"b\":1]",
        "\"",
        "\"\\",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u\"",
        "\"\n\"",
        "\"\t\"",
        "\"\0\"",
        "\"\u{1f}\"",
        "é",
        "\u{a0}",
        "'x'",
        "// x",
        "/**/1",
        "\u{b}1",
        "\u{c}1",
    ] {
        assert!(!agree(&format!("{{\"a\":{value}}}")), "{value}");
        assert!(!agree(&format!("{{\"a\":{value}")), "{value}");
        assert!(!agree(&format!("{{\"a\":[{value}")), "{value}");
    }
    for text in [
        "",
        " ",
        "[]",
        "1",
        "null",
        "\"x\"",
        "{",
        "{\"",
        "{]",
        "{\"a\"}",
        "{,\"a\":1}",
        "\u{feff}{}",
        "a{}",
        "{\"\\ud800\":1}",
    ] {
        assert!(!agree(text), "{text}");
    }
}

#[test]
fn special_bytes_are_found_wherever_they_stand() {
    for special in
        ["\"", "\\\"", "\\\\", "\\n", "\\u00e9", "\n", "\0", "\u{1f}", "\\", "!", "#", " ", "\u{7f}", "é", "😀"]
    {
        for before in 0..40 {
            for after in [0, 1, 7, 15, 16, 17, 33] {
                let text = format!("{}{special}{}", "a".repeat(before), "é".repeat(after));
                agree(&format!("{{\"a\":\"{text}\"}}"));
                agree(&format!("{{\"{text}\":1}}"));
                agree(&format!("{{\"a\":\"{text}"));
            }
        }
    }
}

#[test]
fn depth_is_counted_from_the_object_itself() {
    for (open, close) in [("[", "]"), ("{\"b\":", "}")] {
        let nested = |levels: usize| format!("{{\"a\":{}1{}}}", open.repeat(levels), close.repeat(levels));
        assert!(agree(&nested(MAX_DEPTH - 1)));
        assert!(reference(&nested(MAX_DEPTH)).is_some() && object(&nested(MAX_DEPTH)).is_none());
        assert!(object(&nested(1_000_000)).is_none());
    }
    assert!(agree(&format!("{{\"a\":[{}1]}}", "[1],".repeat(10_000))), "many beside each other are not deep");
}

/// JSON of all kinds, with white space anywhere.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof!["null|true|false|-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,4})?([eE][+-]?[0-9]{1,3})?", string(),];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let space = "[ \n\t\r]{0,2}";
        let element = (space, inner.clone(), space).prop_map(|(before, value, after)| before + &value + &after);
        let member = (space, string(), space, space, inner, space)
            .prop_map(|(a, key, b, c, value, d)| format!("{a}{key}{b}:{c}{value}{d}"));
        prop_oneof![
            prop::collection::vec(element, 0..6).prop_map(|elements| format!("[{}]", elements.join(","))),
            prop::collection::vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

fn string() -> impl Strategy<Value = String> {
    "\"([a-z \\[\\]{}:,é你😀]{1,20}|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-fA-F]{4}){0,4}\""
}

/// A small mistake: a byte that is another one, one too many, one missing, or the end too early.
fn mistake() -> impl Strategy<Value = (u8, prop::sample::Index, u8)> {
    let byte = prop_oneof![prop::sample::select(b"\"\\{}[]:,0-+.eEtn \n\0u\x1f".to_vec()), any::<u8>()];
    (0..5_u8, any::<prop::sample::Index>(), byte)
}

fn spoil(bytes: &mut Vec<u8>, (kind, place, byte): (u8, prop::sample::Index, u8)) {
    let at = place.index(bytes.len() + 1);
    match (kind, bytes.get_mut(at)) {
        (0, Some(old)) => *old = byte,
        (1, Some(old)) => *old ^= 1 << (byte % 8),
        (2, Some(_)) => drop(bytes.remove(at)),
        (3, _) => bytes.truncate(at),
        _ => bytes.insert(at, byte),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn any_json_is_read_as_serde_json_reads_it(value in json(), key in string()) {
        agree(&value);
        agree(&format!("{{{key}:{value},{key} : {value}}}"));
    }

    #[test]
    fn any_mistake_is_seen_as_serde_json_sees_it(value in json(), mistakes in prop::collection::vec(mistake(), 1..4)) {
        let mut bytes = format!("{{\"model\":\"m\",\"x\":{value},\"y\":{value}}}").into_bytes();
        for mistake in mistakes {
            spoil(&mut bytes, mistake);
            match text(&bytes) {
                Ok(text) => drop(agree(text)),
                Err(error) => prop_assert_eq!(Err(error), std::str::from_utf8(&bytes)),
            }
        }
    }

    #[test]
    fn no_text_is_worth_a_panic(text in any::<String>(), json in "[\\[\\]{}\",:0-9.eE+\\\\untrfals -]{0,40}") {
        agree(&text);
        agree(&json);
        agree(&format!("{{\"a\":{json}"));
    }
}
