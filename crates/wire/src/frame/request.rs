//! REQUEST: everything that is asked now and then.

use super::{
    group::{
        ApproveCall, DismissCall, DissolveCall, GroupsCall, InvitationsCall, InviteCall, JoinCall,
        LeaveCall, MuteCall, PolicyCall, ProfileCall, RetractCall, WaitingCall,
    },
    message::{
        EditCall, KeepCall, PinCall, PinsCall, ReactCall, ReactorsCall, RecallCall, SearchCall,
        Source,
    },
    people::{
        AnswerRequestCall, BlockCall, EditFriendCall, EditProfileCall, FindUsersCall, ItemCall,
        ItemsCall, ListCall, PutItemCall, RemoveFriendCall, RequestFriendCall, WithdrawRequestCall,
    },
    schema::{choice, message},
};

message! {
    /// A question, answered by RESPONSE or ERROR with the same id.
    pub struct Request {
        /// The client's number for this request, as in SEND.
        id: u32 [uint32] = 1,
        ; call: Call ["Call" = "2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 65"]
    }

    /// Part of a conversation's log, as far as the caller may see it. Without `before` and
    /// `after`: the newest entries.
    pub struct HistoryCall {
        /// The conversation.
        at: String [string] = 1,
        /// The entries right below this seq.
        before: u64 [uint64] = 2,
        /// The entries right above this seq.
        after: Option<u64> [optional, uint64] = 3,
        /// At most so many; 0: as the server likes.
        limit: u32 [uint32] = 4,
    }

    /// The caller's conversations, most recently changed first.
    pub struct ConversationsCall {
        /// Continue below this change: the `token` of the page before.
        before: Option<u64> [optional, uint64] = 1,
        /// At most so many; 0: as the server likes.
        limit: u32 [uint32] = 2,
    }

    /// The caller has read up to `seq`.
    pub struct ReadCall {
        /// The conversation.
        at: String [string] = 1,
        /// Cumulative; lower than before changes nothing.
        seq: u64 [uint64] = 2,
    }

    /// Makes a group with the caller as its owner.
    pub struct CreateGroupCall {
        /// 16 bytes, a UUIDv7: a retry makes no second group.
        client_id: Vec<u8> [bytes = "vec"] = 1,
        /// The group's name: its address without `g:`. Never given twice.
        name: String [string] = 2,
        /// The name that people read. At most 256 bytes.
        title: String [string] = 3,
        /// First members beside the owner. At most 1,000.
        members: Vec<String> [string, repeated] = 4,
        /// 1: a group, 2: a channel (see *Groups and channels*); 0: a group.
        kind: u32 [uint32] = 5,
    }

    /// Adds members, or changes the standing of those there are.
    pub struct PutMembersCall {
        /// 16 bytes, a UUIDv7.
        client_id: Vec<u8> [bytes = "vec"] = 1,
        /// The group's name.
        group: String [string] = 2,
        /// Who. At most 1,000.
        users: Vec<String> [string, repeated] = 3,
        /// As what (see *Roles*); 0: member. Owner hands the group over to exactly one user.
        role: u32 [uint32] = 4,
    }

    /// Takes members out. A caller who names only themselves leaves.
    pub struct RemoveMembersCall {
        /// 16 bytes, a UUIDv7.
        client_id: Vec<u8> [bytes = "vec"] = 1,
        /// The group's name.
        group: String [string] = 2,
        /// Who. At most 1,000.
        users: Vec<String> [string, repeated] = 3,
    }

    /// What the caller may see of a group.
    pub struct GroupCall {
        /// The group's name.
        name: String [string] = 1,
    }

    /// A group's members, by name.
    pub struct MembersCall {
        /// The group's name.
        group: String [string] = 1,
        /// Continue after this name; empty: from the first.
        after: String [string] = 2,
        /// At most so many; 0: as the server likes.
        limit: u32 [uint32] = 3,
    }

    /// The caller's own record.
    pub struct MeCall {}

    /// Replaces the name of the caller that people read.
    pub struct DisplayNameCall {
        /// At most 256 bytes.
        display_name: String [string] = 1,
    }

    /// Someone's profile.
    pub struct UserCall {
        /// Their name.
        user: String [string] = 1,
    }

    /// The caller's devices.
    pub struct DevicesCall {}

    /// Ends one of the caller's devices; its link closes within 5 s.
    pub struct RemoveDeviceCall {
        /// The device's name.
        device: String [string] = 1,
    }
}

choice! {
    /// What is asked.
    pub enum Call {
        /// → `log`
        history: History(HistoryCall) = 2,
        /// → `conversations`
        conversations: Conversations(ConversationsCall) = 3,
        /// → `done`
        read: Read(ReadCall) = 4,
        /// → `sent`: the log entry that says so
        create_group: CreateGroup(CreateGroupCall) = 5,
        /// → `sent`
        put_members: PutMembers(PutMembersCall) = 6,
        /// → `sent`
        remove_members: RemoveMembers(RemoveMembersCall) = 7,
        /// → `group`
        group: Group(GroupCall) = 8,
        /// → `members`
        members: Members(MembersCall) = 9,
        /// → `user`
        me: Me(MeCall) = 10,
        /// → `user`
        set_display_name: SetDisplayName(DisplayNameCall) = 11,
        /// → `user`
        user: User(UserCall) = 12,
        /// → `devices`
        devices: Devices(DevicesCall) = 13,
        /// → `done`
        remove_device: RemoveDevice(RemoveDeviceCall) = 14,
        /// → `sent`: the log entry that says so
        recall: Recall(RecallCall) = 35,
        /// → `sent`
        edit: Edit(EditCall) = 36,
        /// → `sent`
        react: React(ReactCall) = 37,
        /// → `sent`
        pin: Pin(PinCall) = 38,
        /// Takes a message out of the caller's own sight → `done`
        delete_for_me: DeleteForMe(Source) = 39,
        /// Takes everything up to a message out of the caller's own sight → `done`
        clear_for_me: ClearForMe(Source) = 40,
        /// → `done`
        keep: Keep(KeepCall) = 41,
        /// → `reactors`
        reactors: Reactors(ReactorsCall) = 42,
        /// → `pins`
        pins: Pins(PinsCall) = 43,
        /// Who has a message and who has read it → `receipts`
        receipts: Receipts(Source) = 44,
        /// → `found`
        search: Search(SearchCall) = 45,
        /// → `items`
        items: Items(ItemsCall) = 50,
        /// → `item`
        item: Item(ItemCall) = 51,
        /// → `item`
        put_item: PutItem(PutItemCall) = 52,
        /// → `friends`
        friends: Friends(ListCall) = 53,
        /// → `requests`
        friend_requests: FriendRequests(ListCall) = 54,
        /// → `request`
        request_friend: RequestFriend(RequestFriendCall) = 55,
        /// → `request`
        answer_request: AnswerRequest(AnswerRequestCall) = 56,
        /// → `request`
        withdraw_request: WithdrawRequest(WithdrawRequestCall) = 57,
        /// → `friend`
        edit_friend: EditFriend(EditFriendCall) = 58,
        /// → `done`
        remove_friend: RemoveFriend(RemoveFriendCall) = 59,
        /// → `blocks`
        blocks: Blocks(ListCall) = 60,
        /// → `done`
        block: Block(BlockCall) = 61,
        /// → `users`
        find_users: FindUsers(FindUsersCall) = 62,
        /// → `user`
        edit_profile: EditProfile(EditProfileCall) = 63,
        /// → `file`
        file: File(super::file::FileCall) = 65,
        /// → `sent`
        change_profile: ChangeProfile(ProfileCall) = 20,
        /// → `sent`
        change_policy: ChangePolicy(PolicyCall) = 21,
        /// → `sent`
        mute: Mute(MuteCall) = 22,
        /// → `sent`
        dissolve: Dissolve(DissolveCall) = 23,
        /// → `sent`, or `asked` where an admin decides
        join: Join(JoinCall) = 24,
        /// → `sent`
        approve: Approve(ApproveCall) = 25,
        /// → `sent`
        leave: Leave(LeaveCall) = 26,
        /// → `groups`
        groups: Groups(GroupsCall) = 27,
        /// → `done`
        invite: Invite(InviteCall) = 28,
        /// → `done`: an invitation is taken back
        uninvite: Uninvite(DismissCall) = 29,
        /// → `waiting`: those who are invited
        invited: Invited(WaitingCall) = 30,
        /// → `invitations`
        invitations: Invitations(InvitationsCall) = 31,
        /// → `done`
        retract: Retract(RetractCall) = 32,
        /// → `waiting`: those who ask to come in
        requests: Requests(WaitingCall) = 33,
        /// → `done`: a request is refused
        refuse: Refuse(DismissCall) = 34,
    }
}
