//! Statements that ask for many rows at a time.

/// So many rows are asked for at a time.
pub(super) const AT_ONCE: usize = 64;

/// How many places a statement has that asks for so many: few numbers, so that few statements are
/// prepared.
pub(super) fn filled(count: usize) -> usize {
    count.next_power_of_two().min(AT_ONCE)
}

/// As many as there are places: the last one again in those that would be empty.
pub(super) fn fill<T: Copy>(some: &[T]) -> impl Iterator<Item = T> {
    let last = some.last().copied();
    some.iter()
        .copied()
        .chain(std::iter::repeat_with(move || last).map_while(|it| it))
        .take(filled(some.len()))
}
