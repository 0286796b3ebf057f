//! Files, as far as a link asks about them. Their content goes by HTTP only.

use super::schema::message;

message! {
    /// What is known of a file that the caller may see.
    pub struct FileCall {
        /// The file's id.
        file: u64 [uint64] = 1,
    }

    /// A file.
    pub struct File {
        /// Its id; `GET /v1/files/{id}` has the content.
        file: u64 [uint64] = 1,
        /// Whose it is.
        owner: String [string] = 2,
        /// Its name, made harmless.
        name: String [string] = 3,
        /// Its media type; what its owner says until it is ready.
        media: String [string] = 4,
        /// Its size in bytes.
        size: u64 [uint64] = 5,
        /// How many of them the server has.
        received: u64 [uint64] = 6,
        /// 32 bytes; empty while they are not known.
        sha256: Vec<u8> [bytes = "vec"] = 7,
        /// A picture's width in pixels; 0: no picture.
        width: u32 [uint32] = 8,
        /// A picture's height in pixels.
        height: u32 [uint32] = 9,
        /// Whether `GET /v1/files/{id}/thumbnail` has a small form of it.
        thumbnail: bool [bool] = 10,
        /// Whether everyone who is signed in may see it.
        public: bool [bool] = 11,
        /// 1: being uploaded, 2: ready, 3: the content is gone.
        state: u32 [uint32] = 12,
        /// When it was begun, in milliseconds since 1970-01-01T00:00:00Z.
        created: i64 [int64] = 13,
        /// When its content goes; 0: when its owner takes it away.
        expires: i64 [int64] = 14,
    }
}
