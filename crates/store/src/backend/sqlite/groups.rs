//! Groups and their members, for reading.

use anser_domain::{
    Address, Group, GroupName, GroupRole, Member, MemberPage, Millis, Refusal, UserId, UserName,
};
use std::sync::Arc;

use super::{convert::sql, reader::Reader};
use crate::port::{Acl, StoreError};

/// The longest page, whatever was asked for.
const MAX_PAGE: u16 = 1_000;

impl Reader<'_> {
    /// The members, for a member.
    pub(super) fn acl_for(&mut self, viewer: UserId, at: &Address) -> Result<Arc<Acl>, StoreError> {
        let conv = self.find(viewer, at)?;
        let view = self.view(viewer, conv)?;
        if !view.member {
            return Err(Refusal::NotMember.into());
        }
        self.acl(conv, view.acl_version, view.kind)
    }

    pub(super) fn group(&mut self, viewer: UserId, name: &GroupName) -> Result<Group, StoreError> {
        let acl = self.acl_for(viewer, &Address::Group(name.clone()))?;
        let mut query =
            self.conn.prepare_cached("SELECT title, created FROM groups WHERE conv = ?1")?;
        let (title, created) =
            query.query_row([sql(acl.conv.0)], |row| Ok((row.get(0)?, Millis(row.get(1)?))))?;
        Ok(Group {
            name: name.clone(),
            title,
            members: u32::try_from(acl.members.len()).unwrap_or(u32::MAX),
            created,
            role: acl.members.get(&viewer).map_or(GroupRole::Member, |member| member.role),
        })
    }

    pub(super) fn members(
        &mut self,
        viewer: UserId,
        name: &GroupName,
        after: Option<&UserName>,
        limit: u16,
    ) -> Result<MemberPage, StoreError> {
        let acl = self.acl_for(viewer, &Address::Group(name.clone()))?;
        let limit = usize::from(limit.clamp(1, MAX_PAGE));
        let mut rest: Vec<&Member> = acl
            .members
            .values()
            .filter(|member| after.is_none_or(|after| member.name > *after))
            .collect();
        let more = rest.len() > limit;
        if more {
            rest.select_nth_unstable_by(limit, |a, b| a.name.cmp(&b.name));
            rest.truncate(limit);
        }
        rest.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(MemberPage { members: rest.into_iter().cloned().collect(), more })
    }
}
