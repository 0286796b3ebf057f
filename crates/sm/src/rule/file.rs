//! What a file may be.

use anser_domain::{Content, Found, MediaType, NewFile, Refusal};
use anser_store::{MAX_CARRIED, carried};

use crate::config::FilePolicy;

/// Whether a file is one that can be taken, whoever owns it.
///
/// # Errors
/// Says which bound it breaks.
pub(crate) fn acceptable_file(file: &NewFile, policy: &FilePolicy) -> Result<(), Refusal> {
    if file.size == 0 {
        return Err(Refusal::Invalid("size: a file has at least 1 byte"));
    }
    if file.size > policy.max_size {
        return Err(Refusal::TooLarge("the file is larger than the server allows"));
    }
    file.media.as_ref().map_or(Ok(()), |media| allowed(media, policy))
}

/// Whether what was found in a file's bytes may be kept.
///
/// # Errors
/// `Invalid` for a type that is not taken.
pub(crate) fn acceptable_content(found: &Found, policy: &FilePolicy) -> Result<(), Refusal> {
    allowed(&found.media, policy)
}

fn allowed(media: &MediaType, policy: &FilePolicy) -> Result<(), Refusal> {
    match policy.types.iter().any(|range| range.holds(media)) {
        true => Ok(()),
        false => Err(Refusal::Invalid("files of this type are not taken here")),
    }
}

/// Whether a message carries few enough files.
pub(super) fn few_enough(content: &Content) -> Result<(), Refusal> {
    match carried(content).len() > MAX_CARRIED {
        true => Err(Refusal::TooLarge("a message carries at most 20 files")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use anser_domain::FileName;

    use super::*;

    fn file(size: u64, media: Option<&str>) -> NewFile {
        let media = media.map(|text| text.parse().unwrap());
        NewFile { name: FileName::harmless("x"), media, size, sha256: None, public: false }
    }

    #[test]
    fn sizes_and_types_have_bounds() {
        let types = vec!["image/*".parse().unwrap(), "application/pdf".parse().unwrap()];
        let policy = FilePolicy { max_size: 100, types, ..FilePolicy::default() };
        for (size, media, taken) in [
            (100, Some("image/png"), true),
            (1, Some("application/pdf"), true),
            (1, None, true),
            (0, None, false),
            (101, None, false),
            (u64::MAX, None, false),
            (1, Some("video/mp4"), false),
        ] {
            let verdict = acceptable_file(&file(size, media), &policy);
            assert_eq!(verdict.is_ok(), taken, "{size} {media:?}");
        }
        let found =
            |media: &str| Found { sha256: [0; 32], media: media.parse().unwrap(), picture: None };
        assert!(acceptable_content(&found("image/gif"), &policy).is_ok());
        assert!(acceptable_content(&found("application/octet-stream"), &policy).is_err());
    }
}
