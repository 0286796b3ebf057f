//! The matrix: a row a call, a column for everyone there is.

use crate::stage::{WHO, Who};

/// One call, and how each of [`WHO`] is answered.
pub(crate) struct Row {
    /// The method and the path as the document has it, perhaps with a query. A note in brackets
    /// behind it tells how the stage is set for it.
    pub(crate) call: &'static str,
    /// What is sent: JSON, or `bytes:` and a content; empty for nothing.
    pub(crate) body: &'static str,
    /// What an API key needs to make it; without one no key can.
    pub(crate) scope: Option<&'static str>,
    /// One status for each column.
    pub(crate) expected: [u16; 8],
}

impl Row {
    /// The method and the path alone.
    pub(crate) fn documented(&self) -> String {
        let call = self.call.split(" [").next().unwrap_or_default();
        call.split('?').next().unwrap_or_default().to_owned()
    }

    /// The query, from its question mark on, if there is one.
    pub(crate) fn query(&self) -> &str {
        let call = self.call.split(" [").next().unwrap_or_default();
        call.find('?').map_or("", |at| call.get(at..).unwrap_or_default())
    }

    /// The note, if there is one.
    pub(crate) fn note(&self) -> &str {
        self.call.split_once(" [").map_or("", |(_, note)| note.trim_end_matches(']'))
    }

    /// Whether one cell can be played where another was: the call changes nothing, and what it is
    /// about does not depend on who makes it.
    pub(crate) fn shares(&self) -> bool {
        let reads = self.call.starts_with("GET ") || self.call.starts_with("HEAD ");
        reads && self.note() != "direct" && !self.call.contains("{device}")
    }

    /// Whether the call may end sessions of who makes it.
    pub(crate) fn ends_sessions(&self) -> bool {
        self.call.contains(" /v1/auth/") || self.call.contains("{device}")
    }

    /// The status for one of the columns.
    pub(crate) fn expected_of(&self, who: Who) -> u16 {
        WHO.iter().zip(self.expected).find(|(it, _)| **it == who).map_or(0, |(_, status)| status)
    }
}

const fn row(call: &'static str, body: &'static str, expected: [u16; 8]) -> Row {
    Row { call, body, scope: None, expected }
}

/// A call of administration: administrators, and keys with the scope.
const fn rule(scope: &'static str, call: &'static str, body: &'static str, done: u16) -> Row {
    let expected = [401, 403, 403, 403, 403, 403, done, 403];
    Row { call, body, scope: Some(scope), expected }
}

const TEXT: &str = r#"{"kind": "text", "text": "hi"}"#;

/// Who may what. Everything is alice's, the owner's: the group, the message in it that the path
/// names, the file that this message carries, the item, the friend. bob is a member, xenia was
/// one until before that message, blake is blocked by alice, sam has nothing to do with any of
/// them, ada administers the server.
///
/// Who may not know that a thing is there gets 404, as if it were not; who knows it and may not
/// gets 403. No token: 401.
#[rustfmt::skip]
pub(crate) const ROWS: &[Row] = &[
    // — signing in and out: about the password or the token itself, not about who shows it —
    //                                                                    nobody stranger blocked ex member owner admin key
    row("POST /v1/auth/login", r#"{"user":"bob","password":"wrong","device":"x"}"#,
                                                                              [401, 401, 401, 401, 401, 401, 401, 401]),
    row("POST /v1/auth/refresh", r#"{"refresh_token":"d3Jvbmc"}"#,            [401, 401, 401, 401, 401, 401, 401, 401]),
    row("POST /v1/auth/logout", "",                                           [401, 204, 204, 204, 204, 204, 204, 403]),
    row("POST /v1/auth/password", r#"{"old_password":"$PASSWORD","new_password":"$PASSWORD"}"#,
                                                                              [401, 204, 204, 204, 204, 204, 204, 403]),

    // — what is the caller's own: every user has it, and an API key is no user —
    //                                                                    nobody stranger blocked ex member owner admin key
    row("GET /v1/me", "",                                                     [401, 200, 200, 200, 200, 200, 200, 403]),
    row("PATCH /v1/me", r#"{"display_name":"Someone"}"#,                      [401, 200, 200, 200, 200, 200, 200, 403]),
    row("GET /v1/devices", "",                                                [401, 200, 200, 200, 200, 200, 200, 403]),
    row("DELETE /v1/devices/{device}", "",                                    [401, 204, 204, 204, 204, 204, 204, 403]),
    // Only alice's device is registered.
    row("GET /v1/devices/{device}/push", "",                                  [401, 404, 404, 404, 404, 200, 404, 403]),
    row("PUT /v1/devices/{device}/push", r#"{"provider":"webhook","token":"t"}"#,
                                                                              [401, 204, 204, 204, 204, 204, 204, 403]),
    row("DELETE /v1/devices/{device}/push", "",                               [401, 204, 204, 204, 204, 204, 204, 403]),
    row("GET /v1/push/services", "",                                          [401, 200, 200, 200, 200, 200, 200, 403]),
    // Keys are each user's own: the others have none of alice's key.
    row("GET /v1/items", "",                                                  [401, 200, 200, 200, 200, 200, 200, 403]),
    row("GET /v1/items/{key}", "",                                            [401, 404, 404, 404, 404, 200, 404, 403]),
    row("PUT /v1/items/{key}", r#"{"value":1}"#,                              [401, 200, 200, 200, 200, 200, 200, 403]),
    row("DELETE /v1/items/{key}", "",                                         [401, 204, 204, 204, 204, 204, 204, 403]),
    row("GET /v1/friends", "",                                                [401, 200, 200, 200, 200, 200, 200, 403]),
    row("GET /v1/friends/requests", "",                                       [401, 200, 200, 200, 200, 200, 200, 403]),
    row("GET /v1/blocks", "",                                                 [401, 200, 200, 200, 200, 200, 200, 403]),
    row("GET /v1/conversations", "",                                          [401, 200, 200, 200, 200, 200, 200, 403]),
    row("GET /v1/groups", "",                                                 [401, 200, 200, 200, 200, 200, 200, 403]),
    row("GET /v1/invitations", "",                                            [401, 200, 200, 200, 200, 200, 200, 403]),
    row("GET /v1/files", "",                                                  [401, 200, 200, 200, 200, 200, 200, 403]),
    row("GET /v1/search?query=geese", "",                                     [401, 200, 200, 200, 200, 200, 200, 403]),
    row("GET /v1/search?query=geese&conv={conv}", "",                         [401, 404, 404, 200, 200, 200, 404, 403]),

    // — people: found and asked by everyone who is signed in —
    //                                                                    nobody stranger blocked ex member owner admin key
    row("GET /v1/users?query=car", "",                                        [401, 200, 200, 200, 200, 200, 200, 403]),
    row("GET /v1/users/{user}", "",                                           [401, 200, 200, 200, 200, 200, 200, 403]),
    // Registration is open on the stage.
    row("POST /v1/users", r#"{"user":"$NEW","password":"$PASSWORD"}"#,        [201, 201, 201, 201, 201, 201, 201, 403]),
    row("PATCH /v1/friends/{user} [friend]", r#"{"remark":"x"}"#,             [401, 404, 404, 404, 404, 200, 404, 403]),
    row("DELETE /v1/friends/{user} [friend]", "",                             [401, 404, 404, 404, 404, 204, 404, 403]),
    row("POST /v1/friends/requests", r#"{"user":"$FRESH"}"#,                  [401, 201, 201, 201, 201, 201, 201, 403]),
    // A request of alice's own: nobody else takes it back.
    row("DELETE /v1/friends/requests/{id}", "",                               [401, 404, 404, 404, 404, 204, 404, 403]),
    // Requests to alice: nobody else answers them.
    row("POST /v1/friends/requests/{id}/accept", "",                          [401, 404, 404, 404, 404, 200, 404, 403]),
    row("POST /v1/friends/requests/{id}/decline", "",                         [401, 404, 404, 404, 404, 200, 404, 403]),
    // Nobody has blocked the newcomer.
    row("GET /v1/blocks/{user}", "",                                          [401, 404, 404, 404, 404, 404, 404, 403]),
    row("PUT /v1/blocks/{user}", "",                                          [401, 204, 204, 204, 204, 204, 204, 403]),
    row("DELETE /v1/blocks/{user}", "",                                       [401, 204, 204, 204, 204, 204, 204, 403]),

    // — a conversation as each keeps it: who was in it has it still, as far as they could read —
    //                                                                    nobody stranger blocked ex member owner admin key
    row("PATCH /v1/conversations/{conv}", r#"{"pinned":true}"#,               [401, 404, 404, 204, 204, 204, 404, 403]),
    row("PUT /v1/conversations/{conv}/read", r#"{"seq":1}"#,                  [401, 404, 404, 204, 204, 204, 404, 403]),
    row("POST /v1/conversations/{conv}/clear", r#"{"seq":1}"#,                [401, 404, 404, 204, 204, 204, 404, 403]),
    row("GET /v1/conversations/{conv}/messages", "",                          [401, 404, 404, 200, 200, 200, 404, 403]),
    row("GET /v1/conversations/{conv}/pins", "",                              [401, 404, 404, 200, 200, 200, 404, 403]),
    row("DELETE /v1/conversations/{conv}/messages/{seq}", "",                 [401, 404, 404, 404, 204, 204, 404, 403]),
    row("DELETE /v1/conversations/{conv}/messages/{seq} [earlier]", "",       [401, 404, 404, 204, 204, 204, 404, 403]),
    row("GET /v1/conversations/{conv}/messages/{seq}/reactions", "",          [401, 404, 404, 404, 200, 200, 404, 403]),
    row("GET /v1/conversations/{conv}/messages/{seq}/receipts", "",           [401, 404, 404, 404, 200, 200, 404, 403]),
    // How far others have read is news, also of what xenia could read herself.
    row("GET /v1/conversations/{conv}/messages/{seq}/receipts [earlier]", "", [401, 404, 404, 404, 200, 200, 404, 403]),

    // — what is added to its log: by members; alice's message is hers to change, pins are an admin's —
    //                                                                    nobody stranger blocked ex member owner admin key
    row("POST /v1/conversations/{conv}/messages", TEXT,                       [401, 404, 404, 404, 201, 201, 404, 403]),
    row("POST /v1/conversations/{conv}/messages/{seq}/edit", TEXT,            [401, 404, 404, 404, 403, 201, 404, 403]),
    row("POST /v1/conversations/{conv}/messages [muted]", TEXT,               [401, 404, 404, 404, 403, 201, 404, 403]),
    // bob's own message, which he could edit, were he not muted.
    row("POST /v1/conversations/{conv}/messages/{seq}/edit [own]", TEXT,      [401, 404, 404, 404, 201, 403, 404, 403]),
    row("POST /v1/conversations/{conv}/messages/{seq}/edit [muted]", TEXT,    [401, 404, 404, 404, 403, 403, 404, 403]),
    row("POST /v1/conversations/{conv}/messages/{seq}/recall", "",            [401, 404, 404, 404, 403, 201, 404, 403]),
    row("POST /v1/conversations/{conv}/messages/{seq}/reactions", r#"{"reaction":"+1"}"#,
                                                                              [401, 404, 404, 404, 201, 201, 404, 403]),
    row("POST /v1/conversations/{conv}/messages/{seq}/reactions [earlier]", r#"{"reaction":"+1"}"#,
                                                                              [401, 404, 404, 404, 201, 201, 404, 403]),
    row("PUT /v1/conversations/{conv}/pins/{seq}", "",                        [401, 404, 404, 404, 403, 201, 404, 403]),
    row("PUT /v1/conversations/{conv}/pins/{seq} [all pin]", "",              [401, 404, 404, 404, 201, 201, 404, 403]),
    row("DELETE /v1/conversations/{conv}/pins/{seq} [pinned]", "",            [401, 404, 404, 404, 403, 201, 404, 403]),

    // — a direct conversation with alice, in which she has said hello before she blocked blake —
    //                                                                    nobody stranger blocked ex member owner admin key
    row("GET /v1/conversations/{conv}/messages [direct]", "",                 [401, 200, 200, 200, 200, 200, 200, 403]),
    row("POST /v1/conversations/{conv}/messages [direct]", TEXT,              [401, 201, 403, 201, 201, 201, 201, 403]),
    row("POST /v1/conversations/{conv}/messages/{seq}/edit [direct]", TEXT,   [401, 403, 403, 403, 403, 201, 403, 403]),
    row("POST /v1/conversations/{conv}/messages/{seq}/reactions [direct]", r#"{"reaction":"+1"}"#,
                                                                              [401, 201, 403, 201, 201, 201, 201, 403]),
    row("PUT /v1/conversations/{conv}/pins/{seq} [direct]", "",               [401, 201, 403, 201, 201, 201, 201, 403]),
    row("GET /v1/conversations/{conv}/messages/{seq}/receipts [direct]", "",  [401, 200, 200, 200, 200, 200, 200, 403]),

    // — a channel of alice's: its owner writes, and sees who subscribes —
    //                                                                    nobody stranger blocked ex member owner admin key
    row("GET /v1/groups/{group} [channel]", "",                               [401, 200, 200, 200, 200, 200, 200, 403]),
    row("GET /v1/groups/{group}/members [channel]", "",                       [401, 404, 404, 404, 403, 200, 404, 403]),
    row("GET /v1/conversations/{conv}/messages [channel]", "",                [401, 404, 404, 200, 200, 200, 404, 403]),
    row("POST /v1/conversations/{conv}/messages [channel]", TEXT,             [401, 404, 404, 404, 403, 201, 404, 403]),
    row("POST /v1/groups/{group}/join [channel]", r#"{}"#,                    [401, 201, 201, 201, 201, 201, 201, 403]),

    // — a group, by default hidden and by invitation —
    //                                                                    nobody stranger blocked ex member owner admin key
    row("POST /v1/groups", r#"{"id":"$NEW"}"#,                                [401, 201, 201, 201, 201, 201, 201, 403]),
    row("GET /v1/groups/{group}", "",                                         [401, 404, 404, 404, 200, 200, 404, 403]),
    row("GET /v1/groups/{group} [open]", "",                                  [401, 200, 200, 200, 200, 200, 200, 403]),
    row("GET /v1/groups/{group}/members", "",                                 [401, 404, 404, 404, 200, 200, 404, 403]),
    row("PATCH /v1/groups/{group}", r#"{"title":"x"}"#,                       [401, 404, 404, 404, 403, 201, 404, 403]),
    row("PATCH /v1/groups/{group}/policy", r#"{"post":"admins"}"#,            [401, 404, 404, 404, 403, 201, 404, 403]),
    row("DELETE /v1/groups/{group}", "",                                      [401, 404, 404, 404, 403, 201, 404, 403]),
    row("POST /v1/groups/{group}/transfer", r#"{"user":"carol"}"#,            [401, 404, 404, 404, 403, 201, 404, 403]),
    row("POST /v1/groups/{group}/members", r#"{"users":["$FRESH"]}"#,         [401, 404, 404, 404, 403, 201, 404, 403]),
    row("DELETE /v1/groups/{group}/members/{user}", "",                       [401, 404, 404, 404, 403, 201, 404, 403]),
    row("PUT /v1/groups/{group}/members/{user}/role", r#"{"role":"admin"}"#,  [401, 404, 404, 404, 403, 201, 404, 403]),
    row("PUT /v1/groups/{group}/members/{user}/mute", r#"{"until":4000000000000}"#,
                                                                              [401, 404, 404, 404, 403, 201, 404, 403]),
    row("DELETE /v1/groups/{group}/members/{user}/mute", "",                  [401, 404, 404, 404, 403, 201, 404, 403]),
    // The owner hands it over first.
    row("POST /v1/groups/{group}/leave", "",                                  [401, 404, 404, 404, 201, 422, 404, 403]),
    row("POST /v1/groups/{group}/join", r#"{}"#,                              [401, 404, 404, 404, 201, 201, 404, 403]),
    row("POST /v1/groups/{group}/join [open]", r#"{}"#,                       [401, 201, 201, 201, 201, 201, 201, 403]),
    row("POST /v1/groups/{group}/join [approval]", r#"{}"#,                   [401, 202, 202, 202, 201, 201, 202, 403]),
    // Whether or not there was anything to withdraw.
    row("DELETE /v1/groups/{group}/join", "",                                 [401, 204, 204, 204, 204, 204, 204, 403]),
    row("GET /v1/groups/{group}/invitations", "",                             [401, 404, 404, 404, 403, 200, 404, 403]),
    row("POST /v1/groups/{group}/invitations", r#"{"users":["$FRESH"]}"#,     [401, 404, 404, 404, 403, 204, 404, 403]),
    row("DELETE /v1/groups/{group}/invitations/{user} [invitee]", "",         [401, 404, 404, 404, 403, 204, 404, 403]),
    row("GET /v1/groups/{group}/requests [asked]", "",                        [401, 404, 404, 404, 403, 200, 404, 403]),
    row("POST /v1/groups/{group}/requests/{user}/accept [asked]", "",         [401, 404, 404, 404, 403, 201, 404, 403]),
    row("POST /v1/groups/{group}/requests/{user}/decline [asked]", "",        [401, 404, 404, 404, 403, 204, 404, 403]),
    // Whoever is invited; members are in already.
    row("POST /v1/invitations/{group}/accept", "",                            [401, 404, 404, 404, 201, 201, 404, 403]),
    row("POST /v1/invitations/{group}/accept [invited]", "",                  [401, 201, 201, 201, 201, 201, 201, 403]),
    row("POST /v1/invitations/{group}/decline [invited]", "",                 [401, 204, 204, 204, 204, 204, 204, 403]),

    // — files: seen by who may read a message that carries them, changed by their owner —
    //                                                                    nobody stranger blocked ex member owner admin key
    row("POST /v1/files", r#"{"name":"a.txt","type":"text/plain","size":4}"#, [401, 201, 201, 201, 201, 201, 201, 403]),
    row("GET /v1/files/{file}", "",                                           [401, 404, 404, 404, 200, 200, 404, 403]),
    row("GET /v1/files/{file} [earlier]", "",                                 [401, 404, 404, 200, 200, 200, 404, 403]),
    row("GET /v1/files/{file}/info", "",                                      [401, 404, 404, 404, 200, 200, 404, 403]),
    row("GET /v1/files/{file}/thumbnail", "",                                 [401, 404, 404, 404, 200, 200, 404, 403]),
    row("HEAD /v1/files/{file}", "",                                          [401, 404, 404, 404, 200, 200, 404, 403]),
    row("HEAD /v1/files/{file} [unfinished]", "",                             [401, 404, 404, 404, 404, 204, 404, 403]),
    row("PATCH /v1/files/{file} [unfinished]", "bytes:honk",                  [401, 404, 404, 404, 404, 200, 404, 403]),
    row("DELETE /v1/files/{file}", "",                                        [401, 404, 404, 404, 404, 204, 404, 403]),

    // — administration: 403 for everybody else, whatever the path names —
    //                                                                                   what an administrator is answered
    rule("users:read", "GET /v1/admin/users", "",                                                      200),
    rule("users:read", "GET /v1/admin/users/{user}", "",                                               200),
    rule("users:read", "GET /v1/admin/users/{user}/sessions", "",                                      200),
    rule("users:write", "POST /v1/admin/users", r#"{"user":"$NEW","password":"$PASSWORD"}"#,           201),
    rule("users:write", "PATCH /v1/admin/users/{user}", r#"{"display_name":"x"}"#,                     204),
    rule("users:write", "PUT /v1/admin/users/{user}/password", r#"{"password":"$PASSWORD"}"#,          204),
    rule("users:write", "PUT /v1/admin/users/{user}/disabled", r#"{"disabled":true}"#,                 204),
    rule("users:write", "PUT /v1/admin/users/{user}/ban", r#"{"reason":"x"}"#,                         204),
    rule("users:write", "DELETE /v1/admin/users/{user}/ban", "",                                       204),
    rule("users:write", "DELETE /v1/admin/users/{user}/sessions", "",                                  204),
    rule("users:write", "DELETE /v1/admin/users/{user}/sessions/{device}", "",                         204),
    rule("users:write", "POST /v1/admin/users/{user}/anonymise", "",                                   204),
    // Somebody new is in no conversation.
    rule("messages:read", "GET /v1/admin/users/{user}/conversations/{conv}/messages", "",              404),
    rule("notices", "POST /v1/admin/notices", r#"{"users":["bob"],"message":{"kind":"text","text":"hi"}}"#, 200),
    rule("groups:read", "GET /v1/admin/groups", "",                                                    200),
    rule("groups:read", "GET /v1/admin/groups/{group}/members", "",                                    200),
    rule("groups:write", "POST /v1/admin/groups/{group}/members", r#"{"users":["blake"]}"#,            201),
    rule("groups:write", "DELETE /v1/admin/groups/{group}", "",                                        201),
    rule("groups:write", "DELETE /v1/admin/groups/{group}/members/{user}", "",                         201),
    rule("messages:send-as", "POST /v1/admin/messages", r#"{"from":"bob","to":"u:carol","message":{"kind":"text","text":"hi"}}"#, 201),
    rule("webhooks", "GET /v1/admin/webhooks", "",                                                     200),
    rule("webhooks", "PUT /v1/admin/webhooks/{webhook}", r#"{"url":"http://127.0.0.1:9/hook"}"#,       200),
    rule("webhooks", "DELETE /v1/admin/webhooks/{webhook}", "",                                        204),
    rule("webhooks", "GET /v1/admin/webhooks/{webhook}/dead", "",                                      200),
    // There is none: an event is given up after days.
    rule("webhooks", "POST /v1/admin/webhooks/{webhook}/dead/{event}/replay", "",                      404),
    rule("webhooks", "POST /v1/admin/webhooks/{webhook}/replay", r#"{"since":"1"}"#,                   204),
    rule("stats:read", "GET /v1/admin/statistics", "",                                                 200),
    rule("export", "GET /v1/admin/export", "",                                                         200),
    // The body is JSON, not lines of it.
    rule("import", "POST /v1/admin/import", "{}",                                                      415),
    rule("keys", "GET /v1/admin/keys", "",                                                             200),
    // A key gives no more than it has.
    rule("keys", "POST /v1/admin/keys", r#"{"name":"x","scopes":["keys"]}"#,                           201),
    rule("keys", "DELETE /v1/admin/keys/{key}", "",                                                    204),
    rule("audit:read", "GET /v1/admin/audit", "",                                                      200),
];
