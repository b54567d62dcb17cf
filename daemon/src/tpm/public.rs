//! The public area of an endorsement key, read from what a machine sends.
//!
//! Nothing but the two default templates of the TCG EK Credential Profile (L-1 and L-2) is accepted, byte for byte: name
//! algorithm, attributes, policy, cipher and size are part of what makes a key an endorsement key, and a key with other
//! ones (one that may sign, or that anybody may use) proves nothing. So reading is comparing, and there is no TLV parser
//! to go wrong.

use sha2::{Digest as _, Sha256};
use vocabulary::{EndorsementKey, EndorsementKind};

/// SHA-256 as name algorithm; fixed, restricted, for decryption, by policy alone; `PolicySecret` of the endorsement
/// hierarchy; AES-128 in CFB mode; no scheme. What both templates share, after the type of the key.
const TEMPLATE: [u8; 48] = [
    0x00, 0x0b, 0x00, 0x03, 0x00, 0xb2, 0x00, 0x20, 0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc,
    0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14,
    0x69, 0xaa, 0x00, 0x06, 0x00, 0x80, 0x00, 0x43, 0x00, 0x10,
];
const RSA: [u8; 2] = [0x00, 0x01];
const ECC: [u8; 2] = [0x00, 0x23];
/// 2048 bits, the default exponent 65537, and the length of the modulus.
const RSA_SIZE: [u8; 8] = [0x08, 0x00, 0, 0, 0, 0, 0x01, 0x00];
/// NIST P-256, no key derivation scheme, and the length of the first coordinate.
const ECC_CURVE: [u8; 6] = [0x00, 0x03, 0x00, 0x10, 0x00, 0x20];
const COORDINATE_LENGTH: [u8; 2] = [0x00, 0x20];

/// An endorsement key that was made from a default template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EkPublic {
    /// What secrets are hidden under.
    pub point: Material,
    sha256: [u8; 32],
}

/// The number or the point that is the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Material {
    /// The modulus, 2048 bits; the exponent is 65537.
    Rsa(Box<[u8; 256]>),
    /// A point of P-256; whether it lies on the curve is looked at where it is used.
    Ecc {
        /// First coordinate.
        x: [u8; 32],
        /// Second coordinate.
        y: [u8; 32],
    },
}

/// It is not the public area of a default endorsement key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no endorsement key of a default template")]
pub struct NoEndorsementKey;

impl EkPublic {
    /// Reads a `TPMT_PUBLIC`.
    ///
    /// # Errors
    /// It is anything but a default endorsement key.
    pub fn read(bytes: &[u8]) -> Result<Self, NoEndorsementKey> {
        let rsa = || rest_after(bytes, &RSA, &RSA_SIZE).and_then(modulus);
        let ecc = || rest_after(bytes, &ECC, &ECC_CURVE).and_then(point);
        let point = rsa().or_else(ecc).ok_or(NoEndorsementKey)?;
        Ok(Self { point, sha256: Sha256::digest(bytes).into() })
    }

    /// What is remembered of it.
    #[must_use]
    pub const fn key(&self) -> EndorsementKey {
        let kind = match self.point {
            Material::Rsa(_) => EndorsementKind::Rsa2048,
            Material::Ecc { .. } => EndorsementKind::EccP256,
        };
        EndorsementKey { kind, sha256: self.sha256 }
    }
}

fn rest_after<'a>(bytes: &'a [u8], kind: &[u8], size: &[u8]) -> Option<&'a [u8]> {
    bytes.strip_prefix(kind)?.strip_prefix(&TEMPLATE)?.strip_prefix(size)
}

/// A modulus with all its bits, and odd as every product of two large primes.
fn modulus(rest: &[u8]) -> Option<Material> {
    let modulus: [u8; 256] = rest.try_into().ok()?;
    (modulus[0] >= 0x80 && modulus[255] & 1 == 1).then(|| Material::Rsa(Box::new(modulus)))
}

fn point(rest: &[u8]) -> Option<Material> {
    let (x, rest) = rest.split_first_chunk()?;
    let y = rest.strip_prefix(&COORDINATE_LENGTH)?.try_into().ok()?;
    Some(Material::Ecc { x: *x, y })
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `tpm2_createek -G rsa2048` of a TPM emulator.
    pub(crate) const RSA_EK: &str = concat!(
        "0001000b000300b20020837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa00060080004300100800000000000100",
        "e0dfac474e0e35259946aa5a4ccc01ed65c121563dc6c7ea4e55b0a88d99cdd1393c2db3f06fa103cf7141f53a68234bd076d639183c6b616bc9",
        "558f95094e170cadc9af705985bcb7d9e49728427428bad460d3e9b77ffa9f50a0b7a2cc772544211d01c422bcb69c134a2c0dbcdf5c62c3fecd",
        "ae0b345c6b9ae4a66eedc7d1001cb9268df5bbd4b760af8f95ce7e3dfd72659424d8b32bc874dc4e3ebe4fc664fb6a26ee3061c7d8585a8282bd",
        "9b376a7e30e6542b03b16d9475f96e9fcab0108c730019bc377485203f8c628bd8b087890d9cfeddcdec54af7dd5423cd46f5b37064ffaa3520e",
        "70108826ba9f27bc92438da4e584e0e40f34b806305bb597"
    );
    /// `tpm2_createek -G ecc256` of the same.
    pub(crate) const ECC_EK: &str = concat!(
        "0023000b000300b20020837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa00060080004300100003001000209685",
        "029a7b7a61ee2784a7f2122ce0353975ea0b3aa128bc491b08d3f6df18b60020b025b7bcba830953fe5e8c096f2cc71608109a2dce6b45e9d4c7",
        "e28830d0ac0f"
    );

    #[test]
    fn what_tpm2_tools_print_of_both_templates_is_an_endorsement_key() {
        for (text, kind) in [(RSA_EK, EndorsementKind::Rsa2048), (ECC_EK, EndorsementKind::EccP256)] {
            let bytes = hex::decode(text).unwrap();
            let read = EkPublic::read(&bytes).unwrap();
            assert_eq!(read.key(), EndorsementKey { kind, sha256: Sha256::digest(&bytes).into() });
        }
    }

    /// Attributes, policy, size: whatever is changed, cut off or added, it is no endorsement key any more.
    #[test]
    fn a_key_of_another_template_is_none() {
        for text in [RSA_EK, ECC_EK] {
            let bytes = hex::decode(text).unwrap();
            let key_begins = if text == RSA_EK { 58 } else { 56 };
            for at in 0..key_begins {
                let mut other = bytes.clone();
                other[at] ^= 1;
                assert_eq!(EkPublic::read(&other), Err(NoEndorsementKey), "byte {at}");
            }
            assert_eq!(EkPublic::read(&bytes[..bytes.len() - 1]), Err(NoEndorsementKey));
            assert_eq!(EkPublic::read(&[&bytes[..], &[0]].concat()), Err(NoEndorsementKey));
        }
    }

    #[test]
    fn a_modulus_that_is_short_or_even_is_refused() {
        for (at, value) in [(58, 0x7f), (313, 0x96)] {
            let mut bytes = hex::decode(RSA_EK).unwrap();
            bytes[at] = value;
            assert_eq!(EkPublic::read(&bytes), Err(NoEndorsementKey));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_of_a_machine_make_it_panic(bytes: Vec<u8>, cut in 0_usize..314) {
            drop(EkPublic::read(&bytes));
            let spliced = [&hex::decode(RSA_EK).unwrap()[..cut], &bytes].concat();
            drop(EkPublic::read(&spliced));
        }
    }
}
