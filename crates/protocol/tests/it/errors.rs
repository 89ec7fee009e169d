//! Error codes: complete, without gaps, and unknown ones are not lost on a client.

use mainstem_protocol::ErrorCode;

#[test]
fn codes_run_from_minus_one_to_136_without_a_gap() {
    let codes: Vec<i16> = ErrorCode::ALL.iter().map(|error| error.code()).collect();
    assert_eq!(codes, (-1..=136).collect::<Vec<i16>>());
    for error in ErrorCode::ALL {
        assert_eq!(ErrorCode::from_code(error.code()), *error);
    }
    assert_eq!(ErrorCode::from_code(9999), ErrorCode::UnknownServerError);
}
