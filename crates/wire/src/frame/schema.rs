//! The macros that write a message once: as a prost struct, and as a row that the
//! specification's tables, the test vectors and the transcripts read.

/// One message of the protocol, as the specification shows it.
#[derive(Debug)]
pub struct MessageRow {
    /// Its name, as in the specification.
    pub name: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// Its fields, by number.
    pub fields: &'static [FieldRow],
    /// Further fields of which at most one is set.
    pub choice: Option<&'static ChoiceRow>,
}

/// Fields of which at most one is set (a protobuf `oneof`).
#[derive(Debug)]
pub struct ChoiceRow {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// The fields, by number.
    pub fields: &'static [FieldRow],
}

/// One field of a message.
#[derive(Debug)]
pub struct FieldRow {
    /// The protobuf field number.
    pub number: u32,
    /// Its name.
    pub name: &'static str,
    /// The protobuf type as prost's attribute spells it, such as `optional, uint64`.
    pub proto: &'static str,
    /// The message that it holds, if it holds one.
    pub message: Option<&'static MessageRow>,
    /// What it says, its unit, and what its absence means.
    pub doc: &'static str,
}

/// A type with a [`MessageRow`].
pub trait Described {
    /// The row.
    const ROW: &'static MessageRow;
}

/// Declares protobuf messages: `name: RustType [prost type] (message it holds) = number`.
macro_rules! message {
    ($(
        $(#[doc = $doc:literal])+
        $(#[prost($($option:tt)*)])?
        pub struct $name:ident {
            $(
                $(#[doc = $field_doc:literal])+
                $field:ident: $type:ty [$($proto:tt)+] $(($holds:ty))? = $number:tt,
            )*
            $(; $choice_field:ident: $choice:ident [$choice_name:tt = $numbers:tt])?
        }
    )+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, PartialEq, ::prost::Message)]
        $(#[prost($($option)*)])?
        pub struct $name {
            $(
                $(#[doc = $field_doc])+
                #[prost($($proto)+, tag = $number)]
                pub $field: $type,
            )*
            $(
                /// At most one of these.
                #[prost(oneof = $choice_name, tags = $numbers)]
                pub $choice_field: Option<$choice>,
            )?
        }

        impl $crate::frame::schema::Described for $name {
            const ROW: &'static $crate::frame::schema::MessageRow =
                &$crate::frame::schema::MessageRow {
                    name: stringify!($name),
                    doc: concat!($($doc, "\n"),+),
                    fields: &[$(
                        $crate::frame::schema::FieldRow {
                            number: $number,
                            name: stringify!($field),
                            proto: stringify!($($proto)+),
                            message: message!(@row $($holds)?),
                            doc: concat!($($field_doc, "\n"),+),
                        },
                    )*],
                    choice: message!(@choice $($choice)?),
                };
        }
    )+};
    (@row) => { None };
    (@row $holds:ty) => { Some(<$holds as $crate::frame::schema::Described>::ROW) };
    (@choice) => { None };
    (@choice $choice:ident) => { Some(&$choice::ROW) };
}

/// Declares a protobuf `oneof` whose every branch is a message: `name: Variant(Message) = number`.
macro_rules! choice {
    (
        $(#[doc = $doc:literal])+
        pub enum $name:ident {
            $(
                $(#[doc = $field_doc:literal])+
                $field:ident: $variant:ident($type:ty) = $number:tt,
            )+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, PartialEq, ::prost::Oneof)]
        pub enum $name {
            $(
                $(#[doc = $field_doc])+
                #[prost(message, tag = $number)]
                $variant($type),
            )+
        }

        impl $name {
            /// The row that the specification reads.
            pub const ROW: $crate::frame::schema::ChoiceRow = $crate::frame::schema::ChoiceRow {
                name: stringify!($name),
                doc: concat!($($doc, "\n"),+),
                fields: &[$(
                    $crate::frame::schema::FieldRow {
                        number: $number,
                        name: stringify!($field),
                        proto: "message",
                        message: Some(<$type as $crate::frame::schema::Described>::ROW),
                        doc: concat!($($field_doc, "\n"),+),
                    },
                )+],
            };
        }
    };
}

pub(crate) use {choice, message};
