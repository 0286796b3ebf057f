//! GOAWAY: the server ends the link.

use super::schema::message;

message! {
    /// The server is about to close the link, and says what to do next. What was asked before is
    /// still answered; what is asked after it is refused.
    pub struct GoAway {
        /// Why (see *Error codes*).
        code: u32 [uint32] = 1,
        /// The same for people.
        reason: String [string] = 2,
        /// Come back no earlier than in so many milliseconds.
        retry_after_ms: u32 [uint32] = 3,
        /// True: come back with the ticket. False: the credential is of no use here any more, or
        /// another link has taken this one's place; do not come back by yourself.
        may_reconnect: bool [bool] = 4,
    }
}
