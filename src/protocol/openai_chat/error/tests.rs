use super::*;

fn read(status: u16, body: &str) -> ProviderError {
    decode(status, body.as_bytes())
}

#[test]
fn every_shape_of_error_body_gives_its_message() {
    for (body, message) in [
        (r#"{"error":{"message":"no","type":"invalid_request_error","param":null,"code":null}}"#, "no"),
        (r#"{"error":"no"}"#, "no"),
        (r#"[{"error":{"code":400,"message":"no","status":"INVALID_ARGUMENT"}}]"#, "no"),
        (r#"{"detail":"no"}"#, "no"),
        (r#"{"detail":[{"loc":["body","seed",0],"msg":"extra","type":"x"},{"msg":"two"}]}"#, "body.seed.0: extra; two"),
        (r#"{"object":"error","message":"no","type":"BadRequestError","code":400}"#, "no"),
        (r#"{"object":"error","message":{"detail":[{"loc":["a"],"msg":"b"}]}}"#, "a: b"),
        (r#"{"statusCode":401,"message":"no"}"#, "no"),
        ("\"no\"", "no"),
        ("no\n", "no"),
        ("<html><head><title>no</title></head><body>x</body></html>", "no"),
        ("<p>x</p>", "the provider answered with status 400 and no explanation"),
        ("", "the provider answered with status 400 and no explanation"),
        ("null", "the provider answered with status 400 and no explanation"),
        ("[]", "the provider answered with status 400 and no explanation"),
        ("{}", "the provider answered with status 400 and no explanation"),
    ] {
        let error = read(400, body);
        assert_eq!((error.message.as_str(), error.status), (message, 400), "{body}");
    }
}

#[test]
fn an_exhausted_account_is_not_a_rate_limit() {
    let body = r#"{"error":{"message":"m","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#;
    assert_eq!(read(429, body).kind, ErrorKind::Quota);
    let body = r#"{"error":{"message":"m","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#;
    assert_eq!(read(429, body).kind, ErrorKind::RateLimit);
}

#[test]
fn codes_are_kept_unless_they_are_numbers() {
    let body = r#"{"error":{"message":"m","type":"invalid_request_error","code":"context_length_exceeded","param":"messages"}}"#;
    let error = read(400, body);
    assert_eq!((error.code.as_deref(), error.param.as_deref()), (Some("context_length_exceeded"), Some("messages")));
    assert_eq!(read(404, r#"{"error":{"code":"404","message":"Resource not found"}}"#).code, None);
    assert_eq!(
        read(400, r#"{"error":{"code":400,"message":"m","type":"BadRequestError"}}"#).code.as_deref(),
        Some("BadRequestError")
    );
}

#[test]
fn errors_inside_a_success_find_their_own_status() {
    let body = r#"{"error":{"code":429,"message":"Provider returned error","metadata":{"raw":"slow down","provider_name":"x"}}}"#;
    let error = read(200, body);
    assert_eq!((error.status, error.kind), (429, ErrorKind::RateLimit));
    assert_eq!(error.message, "Provider returned error: slow down");
    assert_eq!(read(200, r#"{"error":{"message":"m","type":"insufficient_quota"}}"#).status, 429);
    assert_eq!(read(200, r#"{"error":"boom"}"#).status, 502);
}

#[test]
fn long_bodies_are_cut_at_a_character() {
    let message = read(500, &"é".repeat(2000)).message;
    assert_eq!(message.chars().count(), MAX_MESSAGE_CHARS + 1);
}

#[test]
fn retry_info_is_read() {
    let body = r#"[{"error":{"code":429,"message":"m","details":[{"@type":"x"},{"@type":"RetryInfo","retryDelay":"13.5s"}]}}]"#;
    assert_eq!(read(429, body).retry_after, Some(Duration::from_millis(13_500)));
}

#[test]
fn clients_get_all_four_keys_and_the_request_id() {
    let mut error = ApiError {
        status: 404,
        kind: ErrorKind::NotFound,
        message: "model 'x' not found".to_owned(),
        code: None,
        param: None,
        retry_after: None,
        request_id: "r1".to_owned(),
    };
    let text = |error: &ApiError| String::from_utf8(encode(error)).unwrap();
    assert_eq!(
        text(&error),
        r#"{"error":{"message":"model 'x' not found","type":"not_found_error","param":null,"code":null},"request_id":"r1"}"#
    );
    for (status, kind, expected) in [
        (400, ErrorKind::InvalidRequest, r#""type":"invalid_request_error","param":null,"code":null"#),
        (401, ErrorKind::Authentication, r#""type":"invalid_request_error","param":null,"code":"invalid_api_key""#),
        (403, ErrorKind::Permission, r#""type":"permission_error""#),
        (429, ErrorKind::RateLimit, r#""type":"rate_limit_error","param":null,"code":null"#),
        (429, ErrorKind::Quota, r#""type":"insufficient_quota","param":null,"code":"insufficient_quota""#),
        (502, ErrorKind::Upstream, r#""type":"api_error""#),
    ] {
        (error.status, error.kind) = (status, kind);
        assert!(text(&error).contains(expected), "{status}: {}", text(&error));
    }
}
