//! The composition: the only place that knows the order of the road.

mod appraisal;
mod decision;
mod elsewhere;
mod ids;
mod learner;
mod ledger;
mod receipt;
mod recent;
mod saved;
mod sessions;
mod upkeep;

pub use decision::{BatchGoal, Decision, Feedback, Plan, Score};
pub use elsewhere::Rows;
pub use ledger::Budget;

use crate::artifact::{Provenance, RouterFile};
use crate::assign::{Front, Goal};
use crate::catalog::{Candidate, Catalog};
use crate::embedder::{Embedder, EmbedderFile, Embedding, GraphEmbedder, Tier};
use crate::error::{Error, Result};
use crate::features::FeatureMap;
use crate::head::Head;
use crate::policy::{self, Aim, Choice, Dials, Offer, Policy, Reason};
use crate::prompt::Prompt;
use crate::tokenizer::{Tokenizer, Tokens};
use appraisal::Appraisal;
use ids::Ids;
use learner::Learner;
use ledger::Ledger;
use sessions::{Sessions, Turn};
use std::sync::Arc;

/// Routes prompts. Built once, used for many prompts.
pub struct Router {
    tokenizer: Arc<Tokenizer>,
    embedder: Arc<dyn Embedder>,
    features: FeatureMap,
    head: Head,
    catalog: Catalog,
    dials: Dials,
    provenance: Provenance,
    ids: Ids,
    learner: Option<Learner>,
    /// What learned on the embedder before an upgrade: it still hears of its decisions.
    retired: Option<Learner>,
    ledger: Option<Ledger>,
    sessions: Sessions,
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
        Self::new(router, tokenizer, Arc::new(embedder), seed)
    }

    /// Joins parts that are already loaded, and that other routers may share.
    ///
    /// # Errors
    /// [`Error::Mismatch`] where the router was trained on another embedder.
    pub fn new(file: RouterFile, tokenizer: impl Into<Arc<Tokenizer>>, embedder: Arc<dyn Embedder>, seed: u64) -> Result<Self> {
        let tokenizer = tokenizer.into();
        check_fingerprint(&file, embedder.fingerprint())?;
        if embedder.width() != file.features.inputs() {
            let (expected, found) = (file.features.inputs().to_string(), embedder.width().to_string());
            return Err(Error::Mismatch { part: "embedding width".into(), expected, found });
        }
        let RouterFile { catalog, features, head, dials, provenance, .. } = file;
        Ok(Self {
            tokenizer,
            embedder,
            features,
            head,
            catalog,
            dials,
            provenance,
            ids: Ids::new(seed),
            learner: None,
            retired: None,
            ledger: None,
            sessions: Sessions::new(),
        })
    }

    fn candidate_ids(&self) -> Vec<&str> {
        self.catalog.candidates().iter().map(|candidate| candidate.id.as_str()).collect()
    }

    /// Decides where a prompt goes.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a prompt or policy that cannot be used, [`Error::NoEligible`] and [`Error::Infeasible`]
    /// where no candidate satisfies the policy, [`Error::Engine`] where inference fails.
    pub fn route(&self, prompt: &Prompt, policy: &Policy) -> Result<Decision> {
        let rate = self.exchange_rate(policy)?;
        self.decide(self.appraise(prompt, policy)?, rate, policy)
    }

    fn decide(&self, appraisal: Appraisal, rate: Rate, policy: &Policy) -> Result<Decision> {
        let (choice, propensity) = self.choice(&appraisal, rate, policy)?;
        if let Some(session) = &policy.session {
            self.sessions.remember(session, Turn { candidate: choice.index, tokens: appraisal.input as f64 });
        }
        let most_usd = appraisal.most_usd[choice.index];
        let decision = self.decision(appraisal, rate, choice, propensity);
        self.commit(&[(&decision.id, most_usd)])?;
        Ok(decision)
    }

    /// Decides where every prompt of a batch goes, so that the batch as a whole reaches `goal` at least cost. The limits
    /// of `policy` hold for every prompt; its dials must not be set.
    ///
    /// # Errors
    /// As [`Router::route`], and [`Error::Infeasible`] where the batch cannot reach the goal.
    pub fn assign(&self, prompts: &[Prompt], goal: BatchGoal, policy: &Policy) -> Result<Plan> {
        let goal = self.batch_goal(goal, policy)?;
        let caution = policy.caution.unwrap_or(0.0);
        let appraisals = self.appraise_all(prompts, policy)?;
        let offers: Vec<Vec<Offer>> = appraisals.iter().map(|appraisal| appraisal.offers.clone()).collect();
        let front = Front::new(&offers, caution)?;
        let (picks, lambda) = front.plan(goal)?;
        let chosen = || offers.iter().zip(&picks).map(|(offers, &pick)| &offers[pick]);
        let rate = Rate { aim: Aim::Weight(lambda), lambda, caution };
        let most_usd: Vec<f64> = appraisals.iter().zip(&picks).map(|(appraisal, &pick)| appraisal.most_usd[pick]).collect();
        let decide = |(appraisal, &index): (Appraisal, &usize)| {
            let reason = appraisal.doubt.unwrap_or(Reason::Assigned);
            self.decision(appraisal, rate, Choice { index, reason }, 1.0)
        };
        let decisions: Vec<Decision> = appraisals.into_iter().zip(&picks).map(decide).collect();
        self.commit(&decisions.iter().map(|decision| decision.id.as_str()).zip(most_usd).collect::<Vec<_>>())?;
        Ok(Plan {
            usd: chosen().map(|offer| offer.usd).sum(),
            quality: chosen().map(|offer| offer.estimate.quality).sum::<f64>() / offers.len() as f64,
            frontier: front.points(),
            picks: decisions,
        })
    }

    /// All candidates by falling utility, those that may not be chosen last. Changes nothing.
    ///
    /// # Errors
    /// As [`Router::route`], except that it lists candidates even where none is eligible.
    pub fn rank(&self, prompt: &Prompt, policy: &Policy) -> Result<Vec<Score>> {
        let rate = self.exchange_rate(policy)?;
        let mut scores = self.scores(&self.appraise(prompt, policy)?, rate);
        let key = |s: &Score| (s.ineligible.is_none(), s.utility);
        scores.sort_by(|a, b| key(b).partial_cmp(&key(a)).unwrap_or(std::cmp::Ordering::Equal));
        Ok(scores)
    }

    /// The embeddings that routing is based on: of prompts without courtesies, and with swapped letters put right.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a prompt without text, [`Error::Engine`] where inference fails.
    pub fn embed(&self, prompts: &[Prompt]) -> Result<Vec<Embedding>> {
        let tokens: Result<Vec<Tokens>> = prompts.iter().map(|p| Ok(self.tokenizer.encode_mended(&p.text()?))).collect();
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

    /// Which embedder answers.
    pub fn tier(&self) -> Tier {
        self.embedder.tier()
    }

    /// Where the router file comes from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// The choice and its propensity: the caller's own, the careful one, or the one of greatest utility.
    fn choice(&self, appraisal: &Appraisal, rate: Rate, policy: &Policy) -> Result<(Choice, f64)> {
        if let Some(id) = &policy.pin {
            return Ok((self.pinned(&appraisal.offers, id)?, 1.0));
        }
        if let Some(choice) = self.cautious_choice(appraisal, rate.aim) {
            return Ok((choice, 1.0));
        }
        let mut choice = policy::choose(&appraisal.competing(), rate.lambda, rate.caution)?;
        if let Some(doubt) = appraisal.doubt {
            choice.reason = doubt;
        } else if appraisal.session.as_ref().is_some_and(|hold| hold.candidate == choice.index) {
            let free = policy::choose(&appraisal.without_cache(), rate.lambda, rate.caution)?;
            choice.reason = if free.index == choice.index { choice.reason } else { Reason::Session };
        }
        let tried = self.learner.as_ref().map(|learner| learner.explore(appraisal, rate, choice, policy.explore));
        Ok(tried.unwrap_or((choice, 1.0)))
    }

    fn pinned(&self, offers: &[Offer], id: &str) -> Result<Choice> {
        let index = self.position("pin", id)?;
        match offers[index].ineligible {
            None => Ok(Choice { index, reason: Reason::Pinned }),
            Some(_) => Err(Error::NoEligible { why: format!("{id} is pinned, but {}", policy::why_none(&offers[index..=index])) }),
        }
    }

    /// The strongest candidate, where a quality is to be held and no estimate is trusted, or nothing is proven.
    fn cautious_choice(&self, appraisal: &Appraisal, aim: Aim) -> Option<Choice> {
        let index = self.dials.strongest;
        let reason = match (aim, appraisal.doubt) {
            (Aim::Keep(_) | Aim::Strongest, Some(doubt)) => doubt,
            (Aim::Strongest, None) => Reason::Guarantee,
            (Aim::Keep(_), None) | (Aim::Weight(_), _) => return None,
        };
        appraisal.offers[index].ineligible.is_none().then_some(Choice { index, reason })
    }

    fn commit(&self, calls: &[(&str, f64)]) -> Result<()> {
        self.ledger.as_ref().map_or(Ok(()), |ledger| ledger.commit(calls))
    }

    fn position(&self, argument: &str, id: &str) -> Result<usize> {
        let known = || self.candidate_ids().join(", ");
        let unknown = || Error::input(argument, format!("{id:?} is not a candidate; the candidates are {}", known()));
        self.catalog.position(id).ok_or_else(unknown)
    }

    fn exchange_rate(&self, policy: &Policy) -> Result<Rate> {
        self.check(policy)?;
        let aim = self.dials.aim(policy)?;
        Ok(Rate { aim, lambda: aim.rate(), caution: policy.caution.unwrap_or(0.0) })
    }

    fn batch_goal(&self, goal: BatchGoal, policy: &Policy) -> Result<Goal> {
        self.check(policy)?;
        if policy.cost_weight.is_some() || policy.min_quality.is_some() {
            return Err(Error::input("policy", "a batch takes its dial as its goal"));
        }
        if policy.pin.is_some() || policy.session.is_some() {
            return Err(Error::input("policy", "pin and session are for one prompt, not for a batch"));
        }
        Ok(match goal {
            BatchGoal::BudgetUsd(usd) => Goal::Budget(usd),
            BatchGoal::MinQuality(quality) if quality > 1.0 => {
                return Err(Error::input("minQuality", format!("{quality} is not a number from 0 to 1")));
            }
            BatchGoal::MinQuality(quality) => Goal::MinQuality(quality),
            BatchGoal::CostWeight(p) => Goal::ExchangeRate(p / self.dials.cost_scale),
        })
    }

    fn check(&self, policy: &Policy) -> Result<()> {
        policy.check()?;
        if policy.explore.is_some_and(|explore| explore > 0.0) {
            self.learner()?;
        }
        policy.allow.iter().flatten().try_for_each(|id| self.position("allow", id).map(|_| ()))
    }

    fn decision(&self, appraisal: Appraisal, rate: Rate, choice: Choice, propensity: f64) -> Decision {
        let decision = Decision {
            id: self.ids.next(),
            model: self.catalog.candidates()[choice.index].id.clone(),
            reason: choice.reason,
            propensity,
            usd: appraisal.offers[choice.index].usd,
            scores: self.scores(&appraisal, rate),
            truncated: appraisal.truncated,
            nearness: appraisal.nearness,
            tier: self.tier(),
        };
        if let (Some(learner), Some(learned)) = (&self.learner, appraisal.learned) {
            learner.remember(&decision.id, choice.index, decision.usd, learned);
        }
        decision
    }

    fn scores(&self, appraisal: &Appraisal, rate: Rate) -> Vec<Score> {
        let competing = appraisal.competing();
        let scored = self.catalog.candidates().iter().zip(appraisal.offers.iter().zip(competing.iter()));
        scored
            .map(|(candidate, (offer, competing))| Score {
                model: candidate.id.clone(),
                quality: offer.estimate.quality,
                spread: offer.estimate.spread,
                usd: offer.usd,
                utility: competing.utility(rate.lambda, rate.caution),
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

/// What a policy's dials come to.
#[derive(Clone, Copy)]
struct Rate {
    aim: Aim,
    lambda: f64,
    caution: f64,
}

fn check_fingerprint(router: &RouterFile, found: &str) -> Result<()> {
    let expected = &router.provenance.embedder;
    if expected == found {
        return Ok(());
    }
    let (expected, found) = (format!("the embedder {expected} that the router was trained on"), found.into());
    Err(Error::Mismatch { part: "embedder".into(), expected, found })
}
