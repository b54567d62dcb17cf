//! What the first management token is asked for with. Both agents have the same words for it, so it is written once.

use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct as _};
use vocabulary::Secret;

/// The secret that the first token shall have, where the caller chose it: a repeat after a crash then finds the same.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AclBootstrap(pub(crate) Option<Secret<String>>);

impl Serialize for AclBootstrap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_struct("AclBootstrap", 1)?;
        match &self.0 {
            Some(secret) => body.serialize_field("BootstrapSecret", secret.expose())?,
            None => body.skip_field("BootstrapSecret")?,
        }
        body.end()
    }
}
