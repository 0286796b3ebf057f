//! Frames as JSON and back, by the protocol's table alone: a second reader of the format that
//! shares no code with the first.

use anser_wire::frame::{FRAMES, FieldRow, FrameRow, MessageRow};
use serde_json::{Map, Value, json};

/// The row of the frame with this name.
pub(crate) fn frame_row(name: &str) -> &'static FrameRow {
    FRAMES.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("no frame {name}"))
}

/// The fields of a message, those of its choice included.
pub(crate) fn fields(row: &'static MessageRow) -> impl Iterator<Item = &'static FieldRow> {
    row.fields.iter().chain(row.choice.into_iter().flat_map(|choice| choice.fields))
}

/// A whole uncompressed frame of these fields.
pub(crate) fn frame_from_json(name: &str, json: &Value) -> Vec<u8> {
    let row = frame_row(name);
    let body = body_from_json(row.body, json);
    let critical = row.weight == anser_wire::frame::Weight::Critical;
    let mut bytes = vec![row.number | if critical { 0x80 } else { 0 }];
    varint(&mut bytes, body.len() as u64);
    bytes.extend(body);
    bytes
}

/// A body of these fields, in the order of their numbers.
pub(crate) fn body_from_json(row: &'static MessageRow, json: &Value) -> Vec<u8> {
    let object = json.as_object().unwrap_or_else(|| panic!("{}: not an object", row.name));
    for key in object.keys() {
        assert!(fields(row).any(|field| field.name == key), "{} has no field {key}", row.name);
    }
    let mut out = Vec::new();
    for field in fields(row) {
        let Some(value) = object.get(field.name) else { continue };
        let one = std::slice::from_ref(value);
        let many = if field.proto.contains("repeated") { value.as_array().unwrap() } else { one };
        for value in many {
            put(&mut out, field, value);
        }
    }
    out
}

fn put(out: &mut Vec<u8>, field: &FieldRow, value: &Value) {
    let always = field.proto.contains("repeated") || field.proto.contains("optional");
    let bytes = match scalar(field) {
        "uint32" | "uint64" | "int64" | "bool" => {
            let number = integer(value);
            if number != 0 || always {
                varint(out, u64::from(field.number) << 3);
                varint(out, number);
            }
            return;
        }
        "fixed64" => {
            if integer(value) != 0 {
                varint(out, u64::from(field.number) << 3 | 1);
                out.extend(integer(value).to_le_bytes());
            }
            return;
        }
        "string" => value.as_str().unwrap().as_bytes().to_vec(),
        "bytes" => unhex(value.as_str().unwrap()),
        _ => {
            let body = body_from_json(field.message.unwrap(), value);
            varint(out, u64::from(field.number) << 3 | 2);
            varint(out, body.len() as u64);
            return out.extend(body);
        }
    };
    if !bytes.is_empty() || always {
        varint(out, u64::from(field.number) << 3 | 2);
        varint(out, bytes.len() as u64);
        out.extend(bytes);
    }
}

/// The fields of a body: 64-bit integers as text, bytes as hex.
pub(crate) fn body_to_json(row: &'static MessageRow, mut body: &[u8]) -> Value {
    let mut object = Map::new();
    while !body.is_empty() {
        let key = take_varint(&mut body);
        let field = fields(row)
            .find(|field| u64::from(field.number) == key >> 3)
            .unwrap_or_else(|| panic!("{} has no field {}", row.name, key >> 3));
        let value = match (key & 7, scalar(field)) {
            (0, "bool") => json!(take_varint(&mut body) != 0),
            (0, "uint32") => json!(take_varint(&mut body)),
            (0, "uint64") => json!(take_varint(&mut body).to_string()),
            (0, "int64") => json!((take_varint(&mut body) as i64).to_string()),
            (1, "fixed64") => {
                let bytes: [u8; 8] = take(&mut body, 8).try_into().unwrap();
                json!(u64::from_le_bytes(bytes).to_string())
            }
            (2, scalar) => {
                let len = take_varint(&mut body) as usize;
                let bytes = take(&mut body, len);
                match scalar {
                    "string" => json!(std::str::from_utf8(bytes).unwrap()),
                    "bytes" => json!(hex(bytes)),
                    _ => body_to_json(field.message.unwrap(), bytes),
                }
            }
            (wire, scalar) => panic!("{}.{}: {scalar} as {wire}", row.name, field.name),
        };
        if field.proto.contains("repeated") {
            let list = object.entry(field.name).or_insert_with(|| json!([]));
            list.as_array_mut().unwrap().push(value);
        } else {
            object.insert(field.name.into(), value);
        }
    }
    Value::Object(object)
}

/// The protobuf type alone.
pub(crate) fn scalar(field: &FieldRow) -> &'static str {
    let mut words = field.proto.split([',', ' ', '=']).filter(|word| !word.is_empty());
    words.find(|word| !matches!(*word, "optional" | "repeated")).unwrap()
}

fn integer(value: &Value) -> u64 {
    match value {
        Value::Bool(yes) => u64::from(*yes),
        Value::String(text) => text.parse().unwrap(),
        number => number.as_u64().unwrap(),
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 127 {
        out.push((value % 128 + 128) as u8);
        value /= 128;
    }
    out.push(value as u8);
}

fn take_varint(bytes: &mut &[u8]) -> u64 {
    let end = bytes.iter().position(|byte| *byte < 128).expect("a whole varint") + 1;
    take(bytes, end).iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 127))
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(len);
    *bytes = rest;
    taken
}

/// Bytes as hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hex as bytes.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// Compares a generated file with the one in the repository, or rewrites it when
/// `ANSER_BLESS` is set.
pub(crate) fn check_fresh(path: &str, fresh: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("ANSER_BLESS").is_some() {
        std::fs::write(&path, fresh).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == fresh,
        "{} is not what the code says; run ANSER_BLESS=1 cargo test -p anser-wire",
        path.display()
    );
}
