//! The suites that every backend passes: one for [`Store`], one for [`Routes`](crate::Routes).
//!
//! A backend's test names the suite and says how to open the backend:
//!
//! ```text
//! anser_store::store_suite!(MyRig::new());
//! anser_store::routes_suite!(MyRig::new());
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says by panicking"
)]
#![expect(missing_docs, reason = "the names of tests say what they test")]

pub mod admin;
pub mod cursors;
pub mod doors;
pub mod files;
pub mod follow;
pub mod governing;
pub mod groups;
pub mod messages;
pub mod moving;
pub mod people;
pub mod push;
pub mod reading;
pub mod routes;
pub mod sends;
pub mod social;
pub mod sync;
pub mod world;

use std::sync::Arc;

use anser_domain::{Clock, ManualClock};
use async_trait::async_trait;

pub use world::{Recorder, World};

use crate::{Routes, Store};

/// How a suite opens the store under test. Each test has a rig, and so a database, of its own.
#[async_trait]
pub trait StoreRig: Send + Sync {
    /// Opens the rig's database: empty the first time, as it was left afterwards.
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store>;
}

/// How a suite opens the link map under test.
#[async_trait]
pub trait RoutesRig: Send + Sync {
    /// Opens an empty map.
    async fn open(&self) -> Arc<dyn Routes>;
    /// Makes it lose everything.
    async fn flush(&self);
}

/// The time at which the tests begin.
fn start() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(anser_domain::Millis(1_800_000_000_000)))
}

/// One test for each promise of the durable port.
#[macro_export]
macro_rules! store_suite {
    ($rig:expr) => {
        $crate::store_suite! { @ $rig;
            sends::a_retry_gets_the_first_answer
            sends::a_retry_in_the_same_batch_is_seen
            sends::another_body_under_the_same_id_is_a_conflict
            sends::another_device_may_use_the_same_id
            sends::a_retry_is_known_by_what_was_sent_where_something_else_stands
            sends::ids_outside_the_window_are_refused
            sends::the_first_message_makes_the_conversation
            sends::a_user_may_write_to_themself
            sends::unknown_and_disabled_users_cannot_be_written_to
            sends::groups_of_others_cannot_be_written_to
            sends::a_refused_entry_leaves_no_trace
            sends::the_gate_sees_the_head_and_its_members
            sends::seqs_have_no_gap_under_concurrent_batches
            sends::ids_ascend_in_commit_order
            sends::everything_is_there_after_reopening
            sends::content_comes_back_as_it_was_sent
            sends::too_much_waiting_is_refused_at_once
            sends::a_closed_store_refuses
            groups::a_group_begins_with_everyone_named
            groups::a_group_name_is_never_used_twice
            groups::a_retry_makes_no_second_group
            groups::a_retry_of_a_beginning_is_known_whatever_the_group_is_called_now
            groups::a_group_with_an_unknown_member_is_not_made
            groups::members_come_and_go
            groups::a_change_is_all_or_nothing
            groups::the_owner_hands_over_and_cannot_be_removed
            groups::leaving_can_be_retried
            groups::changes_refused_by_the_gate_leave_no_trace
            groups::members_are_paged_by_name
            governing::a_profile_changes_in_parts
            governing::who_has_gone_sees_the_title_of_then
            governing::a_policy_counts_from_its_entry_on
            governing::a_muted_member_stays_muted
            governing::a_dissolved_group_is_left_by_all_and_read_by_all
            governing::subscribers_of_a_channel_come_and_go_without_an_entry
            governing::a_reader_never_sees_fewer_than_were_committed
            doors::an_invitation_lets_its_invitee_in_once
            doors::invitations_are_taken_back_declined_and_run_out
            doors::who_asks_waits_for_an_answer
            doors::open_groups_are_joined_by_saying_so
            reading::pages_follow_one_another_without_a_gap
            reading::who_was_removed_sees_up_to_the_removal
            reading::who_comes_back_sees_two_intervals
            reading::strangers_see_nothing
            reading::history_reads_back_and_forth
            reading::pages_of_long_messages_end_early
            reading::a_pull_starts_at_the_devices_cursor
            cursors::delivered_moves_forward_only
            cursors::delivered_tells_of_the_users_highest
            cursors::read_moves_forward_only_and_counts_unread
            cursors::a_send_reads_what_came_before
            cursors::a_new_device_starts_at_the_heads
            cursors::strangers_move_nothing
            sync::changes_are_paged_oldest_first
            sync::the_list_is_paged_newest_first
            sync::nothing_is_missed_while_writes_go_on
            sync::reads_and_memberships_are_changes
            sync::a_row_shows_the_newest_message_and_the_other_side
            follow::the_tail_is_one_order_over_all_conversations
            follow::facts_are_written_with_what_they_tell_and_only_for_followers
            follow::one_process_follows_at_a_time
            follow::a_follower_can_be_set_back
            follow::old_facts_are_forgotten
            follow::who_came_and_who_went_take_turns
            follow::what_friends_and_profiles_do_is_told_with_it
            files::apps_are_told_what_becomes_of_files
            push::those_who_are_registered_and_have_not_read_are_found
            push::the_removed_and_the_disabled_are_not
            push::who_cleared_it_or_blocks_its_sender_is_not
            push::who_muted_the_conversation_says_until_when
            push::a_large_group_is_read_in_pages_that_end_between_users
            push::a_registration_ends_with_its_session_and_moves_with_its_token
            push::outcomes_are_recorded_and_failures_owed
            admin::a_change_and_its_record_are_one
            admin::bans_have_a_reason_and_an_end
            admin::keys_are_found_by_their_hash_until_revoked
            admin::webhooks_start_now_and_keep_their_secrets
            admin::dead_letters_stay_until_taken
            admin::everyones_groups_are_listed_with_their_owners
            messages::a_recall_leaves_nothing_but_the_place
            messages::an_edit_is_what_everybody_reads
            messages::an_edit_whose_words_were_changed_can_be_retried
            messages::reactions_are_counted_and_bounded
            messages::pins_are_listed_latest_first
            messages::what_was_edited_after_leaving_is_not_shown
            messages::users_take_things_out_of_their_own_sight
            messages::a_hidden_conversation_comes_back_with_the_next_message
            messages::mentions_are_counted_until_they_are_read
            messages::a_forwarded_message_is_a_copy
            messages::receipts_tell_who_has_read
            messages::search_finds_what_the_history_holds
            moving::what_moves_in_moves_out_and_comes_once
            moving::what_moved_in_is_read_and_found_and_told_to_nobody
            moving::members_who_move_in_together_are_one_version
            moving::what_cannot_move_in_stops_nothing_else
            social::items_are_versioned_and_compared
            social::removed_items_are_told_to_who_was_away
            social::items_are_bounded
            social::requests_make_friends_and_both_are_told
            social::requests_that_cross_make_friends
            social::requests_end_by_themselves
            social::friends_are_edited_and_parted
            social::a_block_bars_both_ways_at_once
            social::a_block_counts_before_the_first_message
            social::a_block_hides_receipts
            social::users_are_found_by_words
            social::friends_find_a_changed_profile_since_their_last_token
            social::a_profile_changes_as_a_whole_or_not_at_all
            social::who_is_anonymised_has_no_name_left_anywhere
            people::users_are_made_once
            people::a_new_credential_ends_other_sessions
            people::what_was_checked_before_a_change_counts_no_more
            people::disabling_ends_all_sessions
            people::a_disabled_user_cannot_send
            people::signing_in_again_ends_the_session_before
            people::a_refresh_token_used_twice_ends_the_session
            people::ended_devices_are_revoked
            people::epochs_only_rise
            people::a_user_has_a_bounded_number_of_devices
            people::keys_are_made_rotated_and_forgotten
            people::pruning_never_readmits_a_retry
            people::pruning_forgets_idle_devices
            files::a_file_is_begun_written_and_finished
            files::a_file_of_another_content_than_announced_is_not_finished
            files::an_upload_is_its_owners_alone
            files::a_user_has_a_quota
            files::ones_files_are_paged_newest_first
            files::members_see_what_was_posted_while_they_were_in
            files::a_file_is_passed_on_by_those_who_see_it
            files::a_file_goes_out_of_sight_with_the_message_that_carries_it
            files::a_file_that_an_edit_brought_is_not_for_those_who_had_gone
            files::a_refused_carrier_leaves_no_trace_and_can_be_sent_again
            files::a_deleted_file_leaves_its_name_to_those_who_saw_it
            files::what_is_past_its_time_goes
        }
    };
    (@ $rig:expr; $($file:ident :: $name:ident)*) => {
        $(
            #[test]
            fn $name() {
                let runtime = $crate::conformance::runtime();
                runtime.block_on(async { $crate::conformance::$file::$name(&$rig).await });
            }
        )*
    };
}

/// One test for each promise of the live port.
#[macro_export]
macro_rules! routes_suite {
    ($rig:expr) => {
        $crate::store_suite! { @ $rig;
            routes::the_first_link_and_the_last_are_told_apart
            routes::the_highest_epoch_wins_whatever_the_order
            routes::an_epoch_is_remembered_after_its_link_has_gone
            routes::registering_again_changes_nothing
            routes::only_the_link_itself_is_taken_out
            routes::lookups_answer_in_order
            routes::a_process_that_has_gone_takes_its_links_along
            routes::those_who_are_linked_are_found_among_many
            routes::a_flush_shows_in_the_generation
        }
    };
}

/// A runtime as a server has one.
#[doc(hidden)]
#[must_use]
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}
