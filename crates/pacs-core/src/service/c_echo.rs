//! C-ECHO: is the peer there? (PS3.7 9.1.5, PS3.4 annex A)

use crate::dimse::command::{CEchoRq, Response, field};
use crate::dimse::{Call, DimseError, status};

/// The Verification SOP class.
pub const SOP_CLASSES: [&str; 1] = ["1.2.840.10008.1.1"];

/// Answers a verification request with success.
///
/// # Errors
/// When the answer cannot be sent.
pub fn serve(mut call: Call<'_>, request: &CEchoRq) -> Result<(), DimseError> {
    let response = Response {
        field: field::C_ECHO_RSP,
        message_id: request.message_id,
        sop_class: Some(request.sop_class.clone()),
        status: status::SUCCESS,
        ..Response::default()
    };
    if !call.answer(&response)? {
        call.flush()?;
    }
    Ok(())
}
