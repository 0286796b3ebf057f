//! The user's own account: who they are, their devices, and files as far as a link asks of them.

use anser_domain::{DeviceName, DeviceRecord, FileId, Profile};
use anser_wire::frame::{self, Answer, Call};

use crate::{client::Client, convert, error::Failed, model::File};

impl Client {
    /// The user's own record.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn me(&self) -> Result<Profile, Failed> {
        self.profile(Call::Me(frame::MeCall {})).await
    }

    /// Replaces the name of the user that people read.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn set_display_name(&self, name: &str) -> Result<Profile, Failed> {
        let display_name = name.to_owned();
        self.profile(Call::SetDisplayName(frame::DisplayNameCall { display_name })).await
    }

    /// The user's devices.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn devices(&self) -> Result<Vec<DeviceRecord>, Failed> {
        match self.call(Call::Devices(frame::DevicesCall {})).await? {
            Answer::Devices(page) => {
                let rows = page.devices.iter().map(convert::device).collect::<Result<_, _>>();
                rows.map_err(|_| Failed::Odd)
            }
            _ => Err(Failed::Odd),
        }
    }

    /// Signs one of the user's devices out; its link closes within seconds.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn remove_device(&self, device: &DeviceName) -> Result<(), Failed> {
        self.done(Call::RemoveDevice(frame::RemoveDeviceCall { device: device.to_string() })).await
    }

    /// What is known of a file that the user may see. Its content goes by HTTP only.
    ///
    /// # Errors
    /// [`Failed`].
    pub async fn file(&self, file: FileId) -> Result<File, Failed> {
        match self.call(Call::File(frame::FileCall { file: file.0 })).await? {
            Answer::File(file) => convert::file(file).map_err(|_| Failed::Odd),
            _ => Err(Failed::Odd),
        }
    }
}
