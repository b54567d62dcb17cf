//! `TPM2_MakeCredential` without a TPM: a secret that only one TPM gives back (TPM 2.0 Library, Part 1, chapter 24).
//!
//! A seed goes to the endorsement key (RSA-OAEP, or ECDH with a key made for this once); from the seed come the key that
//! encrypts the secret (AES-128-CFB) and the one that authenticates it together with the name of the object that it is
//! for. RSA with a public key is one modular power, written out here: the one crate that offers it carries an open
//! advisory about its private half, which Roost would never use (docs/decisions/0006-make-credential-in-rust.md).

use aes::{
    Aes128,
    cipher::{BlockCipherEncrypt as _, KeyInit as _},
};
use num_bigint::BigUint;
use ring::{
    agreement::{self, ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey},
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use sha2::{Digest as _, Sha256};

use super::public::{EkPublic, Material};

/// OAEP's label and the use in KDFe, with the zero that both include.
const IDENTITY: &[u8] = b"IDENTITY\0";
const MODULUS_BYTES: usize = 256;
const EXPONENT: u32 = 65537;
/// How tpm2-tools mark the file that `tpm2_activatecredential` reads, and the version of that mark.
const FILE_MARK: [u8; 8] = [0xba, 0xdc, 0xc0, 0xde, 0, 0, 0, 1];
/// SHA-256, as the first two bytes of a name say it.
const NAME_ALGORITHM: [u8; 2] = [0x00, 0x0b];

/// The name of an object in a TPM: the hash of its public area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectName([u8; 34]);

impl ObjectName {
    /// A name whose hash is SHA-256; nothing else is asked for.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().filter(|name: &[u8; 34]| name.starts_with(&NAME_ALGORITHM)).map(Self)
    }
}

/// No credential can be made for this key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MakeError {
    /// The system gives no random bytes.
    #[error("no random bytes")]
    Random,
    /// The point is on no curve.
    #[error("the endorsement key is no point of its curve")]
    OffCurve,
}

/// A credential as tpm2-tools read it from a file.
///
/// # Errors
/// There is no randomness, or the key is none.
pub fn make(ek: &EkPublic, name: &ObjectName, secret: &[u8; 32], random: &SystemRandom) -> Result<Vec<u8>, MakeError> {
    let (seed, hidden) = match &ek.point {
        Material::Rsa(modulus) => rsa(modulus, random)?,
        Material::Ecc { x, y } => ecc(x, y, random)?,
    };
    let id_object = seal(&seed, name, secret);
    Ok([&FILE_MARK[..], &sized(&id_object), &sized(&hidden)].concat())
}

/// A seed, and the same hidden under an RSA key.
fn rsa(modulus: &[u8; MODULUS_BYTES], random: &SystemRandom) -> Result<([u8; 32], Vec<u8>), MakeError> {
    let (seed, mask) = (fill(random)?, fill(random)?);
    let padded = oaep(&seed, mask);
    let power =
        BigUint::from_bytes_be(&padded).modpow(&EXPONENT.into(), &BigUint::from_bytes_be(modulus)).to_bytes_be();
    let mut hidden = vec![0; MODULUS_BYTES - power.len()];
    hidden.extend(power);
    Ok((seed, hidden))
}

/// A seed agreed with an elliptic key, and the point by which its TPM comes to the same.
fn ecc(x: &[u8; 32], y: &[u8; 32], random: &SystemRandom) -> Result<([u8; 32], Vec<u8>), MakeError> {
    let ours = EphemeralPrivateKey::generate(&ECDH_P256, random).map_err(|_| MakeError::Random)?;
    let public = ours.compute_public_key().map_err(|_| MakeError::Random)?;
    let (our_x, our_y) = public.as_ref()[1..].split_at(32);
    let theirs = UnparsedPublicKey::new(&ECDH_P256, [&[4], &x[..], &y[..]].concat());
    let seed = agreement::agree_ephemeral(ours, &theirs, |shared| kdfe(shared, our_x, x));
    Ok((seed.map_err(|_| MakeError::OffCurve)?, [sized(our_x), sized(our_y)].concat()))
}

/// The secret, encrypted, with what authenticates it: a `TPMS_ID_OBJECT`.
fn seal(seed: &[u8; 32], name: &ObjectName, secret: &[u8; 32]) -> Vec<u8> {
    let mut encrypted = sized(secret);
    cfb(&kdfa(seed, b"STORAGE\0", &name.0, 128), &mut encrypted);
    let integrity = hmac::Key::new(hmac::HMAC_SHA256, &kdfa(seed, b"INTEGRITY\0", &[], 256));
    let outer = hmac::sign(&integrity, &[&encrypted[..], &name.0].concat());
    [sized(outer.as_ref()), encrypted].concat()
}

/// KDFa with SHA-256, as far as one block goes; of 128 bits the first half counts.
fn kdfa(seed: &[u8; 32], label: &[u8], context: &[u8], bits: u32) -> [u8; 32] {
    let input = [&1_u32.to_be_bytes()[..], label, context, &bits.to_be_bytes()].concat();
    let block = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, seed), &input);
    std::array::from_fn(|at| block.as_ref()[at])
}

/// KDFe with SHA-256, one block: from the shared point's first coordinate and those of both keys.
fn kdfe(shared: &[u8], ours: &[u8], theirs: &[u8]) -> [u8; 32] {
    Sha256::digest([&1_u32.to_be_bytes()[..], shared, IDENTITY, ours, theirs].concat()).into()
}

/// AES-128 in CFB mode from a zero vector, with the first half of `key`.
fn cfb(key: &[u8; 32], data: &mut [u8]) {
    let (key, _) = key.split_at(16);
    let Ok(cipher) = Aes128::new_from_slice(key) else { return };
    let mut block = aes::Block::default();
    for piece in data.chunks_mut(16) {
        cipher.encrypt_block(&mut block);
        for (byte, pad) in piece.iter_mut().zip(block.iter_mut()) {
            *byte ^= *pad;
            *pad = *byte;
        }
    }
}

/// EME-OAEP with SHA-256 for 2048 bits (RFC 8017, 7.1.1); `mask` is the random seed of the padding.
fn oaep(message: &[u8; 32], mask: [u8; 32]) -> [u8; MODULUS_BYTES] {
    let mut padded = [0; MODULUS_BYTES];
    let (head, data) = padded.split_at_mut(33);
    data[..32].copy_from_slice(&Sha256::digest(IDENTITY));
    let (filling, tail) = data.split_at_mut(MODULUS_BYTES - 33 - message.len());
    filling[filling.len() - 1] = 1;
    tail.copy_from_slice(message);
    xor(data, &mask);
    head[1..].copy_from_slice(&mask);
    xor(&mut head[1..], data);
    padded
}

/// MGF1 with SHA-256 over `seed`, laid over `data`.
fn xor(data: &mut [u8], seed: &[u8]) {
    for (counter, piece) in (0_u32..).zip(data.chunks_mut(32)) {
        let pad = Sha256::digest([seed, &counter.to_be_bytes()].concat());
        piece.iter_mut().zip(pad).for_each(|(byte, pad)| *byte ^= pad);
    }
}

/// A `TPM2B`: its length in two bytes, then it. Nothing here comes near their limit.
fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], bytes].concat()
}

fn fill(random: &SystemRandom) -> Result<[u8; 32], MakeError> {
    let mut bytes = [0; 32];
    random.fill(&mut bytes).map(|()| bytes).map_err(|_| MakeError::Random)
}

#[cfg(test)]
#[path = "credential_tests.rs"]
mod tests;
