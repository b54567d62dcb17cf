//! Against tpm2-tools: what `tpm2_makecredential -T none` wrote for keys whose private halves openssl made, so that the
//! seed in it could be read. The other way, a TPM that opens ours, is `daemon/tests/suite/tpm.rs`.

use num_bigint::BigUint;

use super::*;
use crate::tpm::public::tests::{ECC_EK, RSA_EK};

const NAME: &str = "000b82a3537ff0dbce7eec35d69edc3a189ee6f17d82f353a553f9aa96cb0be3ce89";
/// A throw-away RSA key.
const MODULUS: &str = concat!(
    "d296fa533f4515d6fc474152f0bac3057a16433584414bbce38cb047a8e76c1850a14c11c1b1ad8200eee6386b7a0bec1d8688a8cc8a29d50534",
    "bd1ca807a727c3b0428f29b4d7a201372f48494d5e95372103ce4ecb8049898e86c2b68b2d9bb616dfa4de3f2123761d32f0f314585975e005f9",
    "a4eec485fd2e6d0a0f242dc6d66138430fd24f1077fff37d417ecc811ded83270516e33429d0a3a614ee3d4268f192a92565696d53468f657653",
    "b749336053c703da27c331b613f173732207177af0ce7af10ebf827a39aacf5be248ffa9206e0c8933771d8d8745766b89b8e3c498c10555157a",
    "76fb36cda012530c084958f1c057728d99cb0fff11d0d87b"
);
const PRIVATE: &str = concat!(
    "18cc4e8df4555e4d029d76c3c83535e1df39353b881212fe708d3b4a34f436211188423cea622731b7dfbf471ae0defbdee8de0ed7dc8285e327",
    "0d5de280d988da87ac4ecf752184a24002ac05cb113d8ba5b247b3b4f8565b2c681210623342081f3416bb5513c1e94166f8edfc3cab21864fd8",
    "7b38e2a0cf3f8da2319b965d82402c5cf5e491a4a7f66d18b1b2df377d39f0ff91d28986044c9d1d04dda2dbd61aab2e7220dc4dd10c4a28fa00",
    "4d805e9e6998e043ae7132ca3ada69c3eba8c2714785d64c0b715b200c16e82f68e60be12efd86d44915c36199280c037f07fa086da9a6ab6395",
    "9b0f5b8ab8309f51cdbcb06d551bee83a3f41d731dad4081"
);

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

fn name() -> ObjectName {
    ObjectName::read(&hex::decode(NAME).unwrap()).unwrap()
}

fn secret() -> [u8; 32] {
    std::array::from_fn(|at| u8::try_from(at).unwrap())
}

#[test]
fn a_sealed_secret_is_what_tpm2_tools_write_for_the_same_seed() {
    for (seed, id_object) in [
        (
            "abb641c75fb817c0116c567312607628302ee6a34ae5bbf579c521f497febae9",
            concat!(
                "0020c08dd39caff1c433d77d6688b5e5efa103fe6906269ac439744cfd28ce8d6ecd",
                "377c50c6aee78db633b4b72ff29606e00a7efb5abe2ceb923ef792dcf4031d124ae2"
            ),
        ),
        (
            "e25fa08bbdbc82110b3dcd9699e82db01e328b9a276e5c793390e6f6b247c76e",
            concat!(
                "002021c40d19af82bcb9b7bdfe01f34ff8be1377971864e801124e9a7ee84b8fde94",
                "ff770b74779b3e817134dd360f8ac5ee7536ee716d08206f406f850412df57a5a04d"
            ),
        ),
    ] {
        assert_eq!(hex::encode(seal(&bytes(seed), &name(), &secret())), id_object);
    }
}

/// The shared coordinate is openssl's, from the point that tpm2-tools had put into its credential.
#[test]
fn a_seed_is_agreed_on_as_tpm2_tools_do() {
    let shared: [u8; 32] = bytes("ea6db9298c8b085876be40f7db0c6f22d2ce0d20a463c018322fdb6757850535");
    let ours: [u8; 32] = bytes("802f3f09c0af48398cbd3c45d1d2a62675cbb1efe48bd56c2ff1b9c9bafe0742");
    let theirs: [u8; 32] = bytes("8ca6be0dec0815f341c751198426c3ada179c28ec8416caad88ae42170e040d8");
    assert_eq!(
        hex::encode(kdfe(&shared, &ours, &theirs)),
        "e25fa08bbdbc82110b3dcd9699e82db01e328b9a276e5c793390e6f6b247c76e"
    );
}

/// Undone step by step with the private key, as RFC 8017 describes the other side.
#[test]
fn what_is_hidden_under_an_rsa_key_comes_back_with_its_private_half() {
    let random = SystemRandom::new();
    let modulus: [u8; 256] = bytes(MODULUS);
    let number = |text: &str| BigUint::parse_bytes(text.as_bytes(), 16).unwrap();
    for _ in 0..8 {
        let (seed, hidden) = rsa(&modulus, &random).unwrap();
        assert_eq!(hidden.len(), 256);
        let power = BigUint::from_bytes_be(&hidden).modpow(&number(PRIVATE), &number(MODULUS)).to_bytes_be();
        let padded = [vec![0; 256 - power.len()], power].concat();
        assert_eq!(padded[0], 0);
        let (mut mask, mut data) = (padded[1..33].to_vec(), padded[33..].to_vec());
        xor(&mut mask, &data);
        xor(&mut data, &mask);
        assert_eq!(data[..32], Sha256::digest(IDENTITY)[..]);
        assert!(data[32..190].iter().all(|byte| *byte == 0));
        assert_eq!((data[190], &data[191..]), (1, &seed[..]));
    }
}

#[test]
fn no_two_credentials_for_the_same_secret_are_alike() {
    let random = SystemRandom::new();
    for (text, length) in [(RSA_EK, 8 + 2 + 68 + 2 + 256), (ECC_EK, 8 + 2 + 68 + 2 + 68)] {
        let ek = EkPublic::read(&hex::decode(text).unwrap()).unwrap();
        let [one, other] = [(), ()].map(|()| make(&ek, &name(), &secret(), &random).unwrap());
        assert_eq!((one.len(), other.len()), (length, length));
        assert_eq!(one[..8], FILE_MARK);
        assert_ne!(one[46..], other[46..]);
    }
}

#[test]
fn a_point_beside_its_curve_is_refused() {
    let mut text = hex::decode(ECC_EK).unwrap();
    *text.last_mut().unwrap() ^= 1;
    let ek = EkPublic::read(&text).unwrap();
    assert_eq!(make(&ek, &name(), &secret(), &SystemRandom::new()), Err(MakeError::OffCurve));
}

#[test]
fn a_name_is_a_sha256_and_says_so() {
    let good = hex::decode(NAME).unwrap();
    assert!(ObjectName::read(&good).is_some());
    for bad in [&good[..33], &[&good[..], &[0]].concat(), &[&[0, 0x0c], &good[2..]].concat(), &[]] {
        assert_eq!(ObjectName::read(bad), None);
    }
}
