//! `pointsman sign` and `pointsman verify`: Ed25519 (RFC 8032) over the whole router file. The file names its embedder by
//! hash, so the signature holds for both.

use super::{read, write};
use anyhow::Context;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey};
use ed25519_dalek::{PUBLIC_KEY_LENGTH, SIGNATURE_LENGTH, Signature, Signer, SigningKey, VerifyingKey};
use pointsman::artifact::RouterFile;
use pointsman::error::Error;
use std::path::{Path, PathBuf};

/// Sign a router file; the signature, 64 bytes, goes beside it with the ending `.sig`.
#[derive(clap::Args)]
pub struct SignArgs {
    /// The router file.
    file: PathBuf,
    /// Your private key, PKCS#8 in PEM: `openssl genpkey -algorithm ed25519 -out key.pem` makes one.
    #[arg(long)]
    key: PathBuf,
}

/// Check a router file's signature.
#[derive(clap::Args)]
pub struct VerifyArgs {
    /// The router file; its signature is in the file of this name with the ending `.sig`.
    file: PathBuf,
    /// The signer's public key: 64 hexadecimal digits as `sign` prints them, or a PEM file.
    #[arg(long)]
    public_key: String,
}

pub fn sign(args: &SignArgs) -> anyhow::Result<()> {
    let bytes = read(&args.file)?;
    // What is no router file must not get a signature that says so.
    RouterFile::parse(&bytes).with_context(|| args.file.display().to_string())?;
    let pem = String::from_utf8(read(&args.key)?).map_err(|_| no_key(&args.key))?;
    let key = SigningKey::from_pkcs8_pem(&pem).map_err(|_| no_key(&args.key))?;
    let path = beside(&args.file);
    write(&path, &key.sign(&bytes).to_bytes())?;
    say!("{}", path.display());
    say!("public key {}", hex(key.verifying_key().as_bytes()));
    Ok(())
}

pub fn verify(args: &VerifyArgs) -> anyhow::Result<()> {
    let key = public_key(&args.public_key)?;
    let path = beside(&args.file);
    let signature: [u8; SIGNATURE_LENGTH] = read(&path)?.try_into().map_err(|bytes: Vec<u8>| {
        let problem = format!("{} bytes; a signature has {SIGNATURE_LENGTH}", bytes.len());
        Error::BadArtifact { section: "signature".into(), problem }
    })?;
    let found = key.verify_strict(&read(&args.file)?, &Signature::from_bytes(&signature));
    found.map_err(|_| Error::Mismatch {
        part: "signature".into(),
        expected: format!("one by the key {}", hex(key.as_bytes())),
        found: format!("{}, which is not, or the file was changed", path.display()),
    })?;
    say!("signed by {}", hex(key.as_bytes()));
    Ok(())
}

fn beside(file: &Path) -> PathBuf {
    PathBuf::from(format!("{}.sig", file.display()))
}

fn public_key(given: &str) -> anyhow::Result<VerifyingKey> {
    let refused = || bad_input("public-key", format!("{given:?} is neither 64 hexadecimal digits nor a PEM file with an Ed25519 key"));
    if let Some(bytes) = unhex(given) {
        return Ok(VerifyingKey::from_bytes(&bytes).map_err(|_| refused())?);
    }
    let pem = String::from_utf8(read(Path::new(given))?).map_err(|_| refused())?;
    Ok(VerifyingKey::from_public_key_pem(&pem).map_err(|_| refused())?)
}

fn no_key(path: &Path) -> Error {
    let advice = "no Ed25519 key in PKCS#8 PEM; `openssl genpkey -algorithm ed25519 -out key.pem` makes one";
    bad_input("key", format!("{} holds {advice}", path.display()))
}

fn bad_input(argument: &str, problem: String) -> Error {
    Error::BadInput { argument: argument.into(), problem }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; PUBLIC_KEY_LENGTH]> {
    let digit = |at: usize| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok();
    let bytes: Vec<u8> = (0..text.len() / 2).map(digit).collect::<Option<_>>()?;
    bytes.try_into().ok().filter(|_| text.len() == 2 * PUBLIC_KEY_LENGTH)
}
