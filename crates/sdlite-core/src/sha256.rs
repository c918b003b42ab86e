//! SHA-256, of FIPS 180-4, and HMAC over it, of RFC 2104: what app-specific IDs are made by.

/// The first bits of the fractional parts of the cube roots of the first 64 primes.
const CONSTANTS: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
    0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
    0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
    0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2,
];

/// The same of the square roots of the first eight.
const INITIAL: State = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

type State = [u32; 8];

type Block = [u8; 64];

/// HMAC-SHA256 of a message of at most [`REST`] bytes. What a key has beyond a block does not count: the ones here are IDs.
pub(crate) fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let inner = sha256(&padded(key, 0x36), message);
    sha256(&padded(key, 0x5c), &inner)
}

#[inline(never)]
fn padded(key: &[u8], pad: u8) -> Block {
    let mut block = [pad; 64];
    block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
    block
}

/// How many bytes a block has room for beside the mark of the end and the length.
const REST: usize = 55;

/// The hash of a block and at most [`REST`] bytes behind it.
#[inline(never)]
fn sha256(block: &Block, rest: &[u8]) -> [u8; 32] {
    debug_assert!(rest.len() <= REST);
    let mut state = INITIAL;
    compress(&mut state, block);
    let mut last = [0; 64];
    last.iter_mut().zip(rest.iter().chain(&[0x80])).for_each(|(room, byte)| *room = *byte);
    let bits = 8 * (block.len() + rest.len()) as u16;
    [last[62], last[63]] = bits.to_be_bytes();
    compress(&mut state, &last);

    let mut hash = [0; 32];
    for (bytes, word) in hash.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    hash
}

#[inline(never)]
fn compress(state: &mut State, block: &Block) {
    // The last sixteen words of the message schedule, at their number modulo sixteen.
    let mut words = [0; 16];
    for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
        *word = bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for (i, constant) in CONSTANTS.into_iter().enumerate() {
        let word = words[i % 16];
        let sum1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let choice = (e & f) ^ (!e & g);
        let first = h.wrapping_add(sum1).wrapping_add(choice).wrapping_add(constant).wrapping_add(word);
        let sum0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let majority = (a & b) ^ (a & c) ^ (b & c);
        let second = sum0.wrapping_add(majority);
        (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(first), c, b, a, first.wrapping_add(second));
        // The one that comes sixteen rounds later.
        let [w1, w9, w14] = [1, 9, 14].map(|after| words[(i + after) % 16]);
        let sigma0 = w1.rotate_right(7) ^ w1.rotate_right(18) ^ w1 >> 3;
        let sigma1 = w14.rotate_right(17) ^ w14.rotate_right(19) ^ w14 >> 10;
        words[i % 16] = word.wrapping_add(sigma0).wrapping_add(w9).wrapping_add(sigma1);
    }
    for (word, more) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = word.wrapping_add(more);
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::format;
    use std::string::String;

    use super::{hmac, sha256};

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_hashes_are_those_of_fips_180() {
        let message = b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno\
            ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
        let (block, rest) = message.split_first_chunk().expect("more than a block");
        let hash = "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1";
        assert_eq!(hex(&sha256(block, rest)), hash);
    }

    #[test]
    fn the_authentication_codes_are_those_of_rfc_4231() {
        let cases: [(&[u8], &[u8], _); 4] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            (
                &core::array::from_fn::<u8, 25, _>(|i| i as u8 + 1),
                &[0xcd; 50],
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
            ),
        ];
        for (key, message, code) in cases {
            assert_eq!(hex(&hmac(key, message)), code);
        }
    }
}
