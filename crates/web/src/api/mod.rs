//! The calls, one file per resource.

pub(crate) mod admin;
pub(crate) mod auth;
pub(crate) mod backend;
pub(crate) mod blocks;
pub(crate) mod conversations;
pub(crate) mod devices;
pub(crate) mod entries;
pub(crate) mod files;
pub(crate) mod friends;
pub(crate) mod governing;
pub(crate) mod groups;
pub(crate) mod items;
pub(crate) mod joining;
pub(crate) mod me;
pub(crate) mod messages;
pub(crate) mod moving;
pub(crate) mod notices;
pub(crate) mod oversight;
pub(crate) mod push;
pub(crate) mod search;
pub(crate) mod users;
pub(crate) mod webhooks;

use utoipa_axum::router::OpenApiRouter;

use crate::App;

/// Every call, with its documentation.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(auth::routes())
        .merge(me::routes())
        .merge(users::routes())
        .merge(friends::routes())
        .merge(blocks::routes())
        .merge(items::routes())
        .merge(devices::routes())
        .merge(push::routes())
        .merge(conversations::routes())
        .merge(messages::routes())
        .merge(entries::routes())
        .merge(search::routes())
        .merge(groups::routes())
        .merge(files::routes())
        .merge(governing::routes())
        .merge(joining::routes())
        .merge(admin::routes())
        .merge(webhooks::routes())
        .merge(oversight::routes())
        .merge(notices::routes())
        .merge(moving::routes())
        .merge(backend::routes())
}
