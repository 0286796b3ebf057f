//! Users, devices and files.

use anser_domain::{Details, DeviceName, DeviceRecord, FileId, FileState, Millis, Profile, Role};
use anser_wire::frame;

use super::{Odd, Result, people::seen, user};
use crate::model::File;

pub(crate) fn profile(row: frame::User) -> Result<Profile> {
    Ok(Profile {
        name: user(&row.user)?,
        display_name: row.display_name.into(),
        role: if row.admin { Role::Admin } else { Role::User },
        disabled: row.disabled,
        details: Details {
            avatar: row.avatar.into(),
            about: row.about.into(),
            fields: row.fields.into(),
            presence: row.presence.map(seen),
        },
    })
}

pub(crate) fn device(row: &frame::Device) -> Result<DeviceRecord> {
    Ok(DeviceRecord {
        name: DeviceName::new(&row.device).map_err(|_| Odd("a bad device name"))?,
        created: Millis(row.created),
        seen: Millis(row.seen),
        online: row.online,
    })
}

pub(crate) fn file(row: frame::File) -> Result<File> {
    Ok(File {
        id: FileId(row.file),
        owner: user(&row.owner)?,
        name: row.name,
        media: row.media,
        size: row.size,
        received: row.received,
        sha256: row.sha256.try_into().ok(),
        picture: (row.width != 0).then_some((row.width, row.height)),
        thumbnail: row.thumbnail,
        public: row.public,
        state: match row.state {
            1 => FileState::Uploading,
            2 => FileState::Ready,
            _ => FileState::Gone,
        },
        created: Millis(row.created),
        expires: (row.expires != 0).then_some(Millis(row.expires)),
    })
}
