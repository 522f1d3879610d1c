//! The composition: the only place that knows the order of the road.

use crate::artifact::{Provenance, RouterFile};
use crate::catalog::{Candidate, Catalog};
use crate::embedder::{Embedder, EmbedderFile, Embedding, GraphEmbedder};
use crate::error::{Error, Result};
use crate::head::Head;
use crate::policy::{self, Dials, Ineligible, Offer, Policy, Reason};
use crate::prompt::Prompt;
use crate::tokenizer::{Tokenizer, Tokens};
use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering};

/// Routes prompts. Built once, used for many prompts.
pub struct Router {
    tokenizer: Tokenizer,
    embedder: Box<dyn Embedder>,
    head: Head,
    catalog: Catalog,
    dials: Dials,
    provenance: Provenance,
    ids: Ids,
}

/// One candidate's part in a decision.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Score {
    /// The candidate's id.
    pub model: String,
    /// Expected score of its answer, 0 to 1.
    pub quality: f64,
    /// One standard deviation of `quality` from how little was seen in training.
    pub spread: f64,
    /// Expected cost of the call, in US dollars.
    pub usd: f64,
    /// quality - caution·spread - λ·usd: the candidates compete on this.
    pub utility: f64,
    /// Why it may not be chosen, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ineligible: Option<Ineligible>,
}

/// Where a prompt should go, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// Names this decision in later feedback.
    pub id: String,
    /// The chosen candidate: put it in the request's `model` field.
    pub model: String,
    /// Why it was chosen.
    pub reason: Reason,
    /// Probability with which this candidate was chosen; 1 without exploration.
    pub propensity: f64,
    /// All candidates, in the catalog's order.
    pub scores: Vec<Score>,
    /// Expected cost of the call, in US dollars.
    pub usd: f64,
    /// Whether the prompt was longer than the embedder reads.
    pub truncated: bool,
}

impl Router {
    /// Loads both files and checks that they belong together. `seed` makes decision ids reproducible.
    ///
    /// # Errors
    /// [`Error::BadArtifact`] for a damaged file; [`Error::Mismatch`] where the router was trained on another embedder.
    pub fn load(router: &[u8], embedder: &[u8], seed: u64) -> Result<Self> {
        Self::open(RouterFile::parse(router)?, EmbedderFile::parse(embedder)?, seed)
    }

    /// Joins two files that are parsed already; the bytes they were parsed from can be gone.
    ///
    /// # Errors
    /// [`Error::BadArtifact`] for a graph that cannot be run; [`Error::Mismatch`] as in [`Router::load`].
    pub fn open(router: RouterFile, embedder: EmbedderFile, seed: u64) -> Result<Self> {
        check_fingerprint(&router, embedder.fingerprint())?;
        let (tokenizer, embedder) = load_embedder(embedder)?;
        Self::new(router, tokenizer, Box::new(embedder), seed)
    }

    /// Joins parts that are already loaded.
    ///
    /// # Errors
    /// [`Error::Mismatch`] where the router was trained on another embedder.
    pub fn new(file: RouterFile, tokenizer: Tokenizer, embedder: Box<dyn Embedder>, seed: u64) -> Result<Self> {
        check_fingerprint(&file, embedder.fingerprint())?;
        if embedder.width() != file.head.width() {
            let (expected, found) = (file.head.width().to_string(), embedder.width().to_string());
            return Err(Error::Mismatch { part: "embedding width".into(), expected, found });
        }
        let RouterFile { catalog, head, dials, provenance } = file;
        Ok(Self { tokenizer, embedder, head, catalog, dials, provenance, ids: Ids::new(seed) })
    }

    /// Decides where a prompt goes.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a prompt or policy that cannot be used, [`Error::NoEligible`] and [`Error::Infeasible`]
    /// where no candidate satisfies the policy, [`Error::Engine`] where inference fails.
    pub fn route(&self, prompt: &Prompt, policy: &Policy) -> Result<Decision> {
        let appraisal = self.appraise(prompt, policy)?;
        let choice = policy::choose(&appraisal.offers, appraisal.lambda, appraisal.caution)?;
        Ok(Decision {
            id: self.ids.next(),
            model: self.catalog.candidates()[choice.index].id.clone(),
            reason: choice.reason,
            propensity: 1.0,
            usd: appraisal.offers[choice.index].usd,
            scores: self.scores(&appraisal),
            truncated: appraisal.truncated,
        })
    }

    /// All candidates by falling utility, those that may not be chosen last. Changes nothing.
    ///
    /// # Errors
    /// As [`Router::route`], except that it lists candidates even where none is eligible.
    pub fn rank(&self, prompt: &Prompt, policy: &Policy) -> Result<Vec<Score>> {
        let mut scores = self.scores(&self.appraise(prompt, policy)?);
        let key = |s: &Score| (s.ineligible.is_none(), s.utility);
        scores.sort_by(|a, b| key(b).partial_cmp(&key(a)).unwrap_or(std::cmp::Ordering::Equal));
        Ok(scores)
    }

    /// The embeddings that routing is based on.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a prompt without text, [`Error::Engine`] where inference fails.
    pub fn embed(&self, prompts: &[Prompt]) -> Result<Vec<Embedding>> {
        let tokens: Result<Vec<Tokens>> = prompts.iter().map(|p| Ok(self.tokenizer.encode(&p.text()?))).collect();
        self.embedder.embed_batch(&tokens?)
    }

    /// The candidates, in the order of every `scores`.
    pub fn candidates(&self) -> &[Candidate] {
        self.catalog.candidates()
    }

    /// The candidate with the best mean score: where to go when nothing can be estimated.
    pub fn strongest(&self) -> &Candidate {
        &self.catalog.candidates()[self.dials.strongest]
    }

    /// Number of coordinates of an embedding.
    pub fn width(&self) -> usize {
        self.embedder.width()
    }

    /// Where the router file comes from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    fn appraise(&self, prompt: &Prompt, policy: &Policy) -> Result<Appraisal> {
        policy.check()?;
        self.check_allow(policy)?;
        let lambda = self.dials.exchange_rate(policy)?;
        let tokens = self.tokenizer.encode(&prompt.text()?);
        let estimates = self.head.estimate(&self.embedder.embed(&tokens)?)?;
        let usd = self.catalog.usd(tokens.total, policy.expected_output_tokens);
        let offers = self.catalog.candidates().iter().zip(estimates).zip(usd).map(|((candidate, estimate), usd)| Offer {
            estimate,
            usd,
            ineligible: why_not(candidate, policy, tokens.total, usd),
        });
        let caution = policy.caution.unwrap_or(0.0);
        Ok(Appraisal { offers: offers.collect(), lambda, caution, truncated: tokens.truncated() })
    }

    fn check_allow(&self, policy: &Policy) -> Result<()> {
        let unknown = policy.allow.iter().flatten().find(|id| self.catalog.position(id).is_none());
        match unknown {
            Some(id) => {
                let known: Vec<&str> = self.catalog.candidates().iter().map(|c| c.id.as_str()).collect();
                Err(Error::input("allow", format!("{id:?} is not a candidate; the candidates are {}", known.join(", "))))
            }
            None => Ok(()),
        }
    }

    fn scores(&self, appraisal: &Appraisal) -> Vec<Score> {
        let scored = self.catalog.candidates().iter().zip(&appraisal.offers);
        scored
            .map(|(candidate, offer)| Score {
                model: candidate.id.clone(),
                quality: offer.estimate.quality,
                spread: offer.estimate.spread,
                usd: offer.usd,
                utility: offer.utility(appraisal.lambda, appraisal.caution),
                ineligible: offer.ineligible,
            })
            .collect()
    }
}

/// Tokenizer and embedder of one embedder file.
///
/// # Errors
/// [`Error::BadArtifact`] where the file's vocabulary, limits or graph cannot be used.
pub fn load_embedder(file: EmbedderFile) -> Result<(Tokenizer, GraphEmbedder)> {
    let metadata = file.metadata();
    let tokenizer = Tokenizer::new(metadata.vocabulary(), metadata.max_tokens, metadata.normalization)?;
    Ok((tokenizer, GraphEmbedder::new(file)?))
}

/// What is known of one prompt before a candidate is chosen.
struct Appraisal {
    offers: Vec<Offer>,
    lambda: f64,
    caution: f64,
    truncated: bool,
}

fn check_fingerprint(router: &RouterFile, found: &str) -> Result<()> {
    let expected = &router.provenance.embedder;
    if expected == found {
        return Ok(());
    }
    let (expected, found) = (format!("the embedder {expected} that the router was trained on"), found.into());
    Err(Error::Mismatch { part: "embedder".into(), expected, found })
}

fn why_not(candidate: &Candidate, policy: &Policy, input: usize, usd: f64) -> Option<Ineligible> {
    let output = policy.expected_output_tokens.unwrap_or(candidate.expected_output_tokens);
    let too_long = candidate.context_tokens.is_some_and(|limit| input as f64 + output > f64::from(limit));
    let barred = [
        (policy.allow.as_ref().is_some_and(|ids| !ids.contains(&candidate.id)), Ineligible::Allow),
        (policy.needs.iter().any(|need| !candidate.supports.contains(need)), Ineligible::Capability),
        (too_long, Ineligible::Context),
        (policy.max_usd.is_some_and(|limit| usd > limit), Ineligible::Price),
    ];
    barred.into_iter().find_map(|(is, why)| is.then_some(why))
}

/// Decision ids: unlike for unlike seeds, in sequence within one router (SplitMix64).
struct Ids {
    state: AtomicU64,
}

impl Ids {
    fn new(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed) }
    }

    fn next(&self) -> String {
        let mut z = self.state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        format!("{:016x}", z ^ (z >> 31))
    }
}
