//! What is known of a prompt before a candidate is chosen.

use super::Router;
use super::learner::Learned;
use crate::catalog::Candidate;
use crate::embedder::Embedding;
use crate::error::{Error, Result};
use crate::features::surface;
use crate::head::Estimate;
use crate::language::is_foreign;
use crate::policy::{Ineligible, Offer, Policy, Reason};
use crate::prompt::Prompt;
use crate::tokenizer::Tokens;
use std::borrow::Cow;

pub(super) struct Appraisal {
    pub offers: Vec<Offer>,
    /// Most that each may cost, in US dollars: nothing from a cache, the answer as long as it can be.
    pub most_usd: Vec<f64>,
    /// Why no estimate is trusted, where none is.
    pub doubt: Option<Reason>,
    /// What the bandit knows of it, where there is one.
    pub learned: Option<Learned>,
    pub truncated: bool,
    /// Of the text, where there is one.
    pub nearness: Option<f32>,
    /// Length of the request, in tokens.
    pub input: usize,
    pub session: Option<Hold>,
}

/// What keeps a conversation where it is.
pub(super) struct Hold {
    pub candidate: usize,
    /// What its prompt cache saves, in US dollars: the offer has this off already.
    worth: f64,
    /// Times that a switch must gain it.
    stickiness: f64,
}

impl Appraisal {
    /// The offers as they compete: a session's candidate at the weight that the caller gives its cache.
    pub(super) fn competing(&self) -> Cow<'_, [Offer]> {
        self.with_cache_at(|hold| hold.stickiness)
    }

    /// The offers as if no prompt were cached.
    pub(super) fn without_cache(&self) -> Cow<'_, [Offer]> {
        self.with_cache_at(|_| 0.0)
    }

    fn with_cache_at(&self, weight: impl Fn(&Hold) -> f64) -> Cow<'_, [Offer]> {
        let Some(hold) = &self.session else { return Cow::Borrowed(&self.offers) };
        let mut offers = self.offers.clone();
        offers[hold.candidate].usd += hold.worth * (1.0 - weight(hold));
        Cow::Owned(offers)
    }
}

/// A prompt, cut into tokens.
pub(super) struct Reading<'a> {
    pub text: Option<Cow<'a, str>>,
    /// Of the text; empty where there is none.
    tokens: Tokens,
    /// Length of all that the language model will read, in tokens.
    input: usize,
}

/// What features say of each candidate.
struct Judgement {
    estimates: Vec<Estimate>,
    /// Length of the answer as a share of the candidate's mean.
    shares: Vec<f64>,
    doubt: Option<Reason>,
    nearness: Option<f32>,
}

impl Router {
    pub(super) fn appraise(&self, prompt: &Prompt, policy: &Policy) -> Result<Appraisal> {
        let reading = self.read(prompt)?;
        let embedding = reading.text.is_some().then(|| self.embedder.embed(&reading.tokens)).transpose()?;
        self.weigh(&reading, embedding, policy)
    }

    pub(super) fn appraise_all(&self, prompts: &[Prompt], policy: &Policy) -> Result<Vec<Appraisal>> {
        let readings = prompts.iter().map(|prompt| self.read(prompt)).collect::<Result<Vec<_>>>()?;
        let tokens: Vec<Tokens> = readings.iter().filter(|r| r.text.is_some()).map(|r| r.tokens.clone()).collect();
        let mut embeddings = self.embedder.embed_batch(&tokens)?.into_iter();
        readings.iter().map(|r| self.weigh(r, r.text.is_some().then(|| embeddings.next()).flatten(), policy)).collect()
    }

    pub(super) fn read<'a>(&self, prompt: &'a Prompt) -> Result<Reading<'a>> {
        let request = prompt.request()?;
        let Some(text) = request.text else {
            let input = request.all.iter().map(|text| self.tokenizer.count(text)).sum();
            return Ok(Reading { text: None, tokens: Tokens::default(), input });
        };
        let tokens = self.tokenizer.encode_mended(&text);
        let alone = request.all.len() == 1 && request.all[0] == text;
        let input = if alone { tokens.length() } else { 2 + request.all.iter().map(|text| self.tokenizer.count(text)).sum::<usize>() };
        Ok(Reading { text: Some(text), tokens, input })
    }

    pub(super) fn weigh(&self, reading: &Reading, embedding: Option<Embedding>, policy: &Policy) -> Result<Appraisal> {
        let mut judged = match (&reading.text, &embedding) {
            (Some(text), Some(embedding)) => self.judge(text, &reading.tokens, embedding)?,
            _ => self.judge_nothing(),
        };
        let input = policy.input_tokens.map_or(reading.input, |tokens| tokens as usize);
        let mut outputs = self.catalog.outputs(policy.expected_output_tokens, &judged.shares);
        outputs.iter_mut().for_each(|output| *output = output.min(policy.max_output_tokens.unwrap_or(f64::MAX)));
        let mut usd = self.catalog.usd(input, &outputs);
        let learned = self
            .learner
            .as_ref()
            .zip(embedding.as_ref())
            .map(|(learner, embedding)| learner.correct(embedding, &mut judged.estimates, &mut usd));
        self.check_numbers(&judged.estimates, &usd)?;
        let longest: Vec<f64> = outputs.iter().map(|output| policy.max_output_tokens.unwrap_or(*output)).collect();
        let most_usd: Vec<f64> = self.catalog.usd(input, &longest).iter().zip(&usd).map(|(most, usd)| most.max(*usd)).collect();
        let limit = self.spending_limit(policy);
        let candidates = self.catalog.candidates().iter().zip(judged.estimates).zip(usd.iter().zip(&most_usd)).zip(&longest);
        let offers = candidates.map(|(((candidate, estimate), (usd, most)), output)| Offer {
            estimate,
            usd: *usd,
            ineligible: why_not(candidate, policy, input as f64 + output, *most > limit),
        });
        let mut offers: Vec<Offer> = offers.collect();
        let session = self.hold(&mut offers, input, policy);
        let (truncated, doubt, nearness) = (reading.tokens.truncated(), judged.doubt, judged.nearness);
        Ok(Appraisal { offers, most_usd, doubt, learned, truncated, nearness, input, session })
    }

    fn judge(&self, text: &str, tokens: &Tokens, embedding: &Embedding) -> Result<Judgement> {
        let features = self.features.apply(embedding, &surface(text, tokens.total))?;
        let far = self.features.is_far(&features, is_foreign(text, tokens));
        Ok(Judgement {
            estimates: if far { self.blind() } else { self.head.estimate(&features.vector)? },
            shares: self.head.lengths(&features.vector)?,
            doubt: far.then_some(Reason::LowConfidence),
            nearness: Some(features.nearness),
        })
    }

    /// Finite weights and prices can still add up to what is no number, and on that nothing is routed.
    fn check_numbers(&self, estimates: &[Estimate], usd: &[f64]) -> Result<()> {
        let sound = |(e, usd): (&Estimate, &f64)| (0.0..=1.0).contains(&e.quality) && e.spread.is_finite() && usd.is_finite();
        match estimates.iter().zip(usd).position(|of| !sound(of)) {
            None => Ok(()),
            Some(at) => {
                let (Estimate { quality, spread }, id) = (estimates[at], &self.catalog.candidates()[at].id);
                let found = format!("the router file gives {id} a quality of {quality}±{spread} for ${}; load another", usd[at]);
                Err(Error::engine("weighing the candidates", found))
            }
        }
    }

    fn judge_nothing(&self) -> Judgement {
        let estimates = self.blind();
        Judgement { shares: vec![1.0; estimates.len()], estimates, doubt: Some(Reason::NoText), nearness: None }
    }

    /// Mean scores, and as spread the most that scores from 0 to 1 can have.
    fn blind(&self) -> Vec<Estimate> {
        let blind = |mean: &f64| Estimate { quality: *mean, spread: (mean * (1.0 - mean)).max(0.0).sqrt() };
        self.dials.means.iter().map(blind).collect()
    }

    fn spending_limit(&self, policy: &Policy) -> f64 {
        let left = self.ledger.as_ref().map_or(f64::INFINITY, |ledger| ledger.budget().left());
        policy.max_usd.unwrap_or(f64::INFINITY).min(left)
    }

    /// Takes what the session's candidate has in its prompt cache off its price.
    fn hold(&self, offers: &mut [Offer], input: usize, policy: &Policy) -> Option<Hold> {
        let turn = self.sessions.last(policy.session.as_ref()?)?;
        let cached = self.catalog.candidates()[turn.candidate].cache_worth(turn.tokens.min(input as f64));
        let worth = cached.min(offers[turn.candidate].usd);
        offers[turn.candidate].usd -= worth;
        Some(Hold { candidate: turn.candidate, worth, stickiness: policy.stickiness.unwrap_or(1.0) })
    }
}

fn why_not(candidate: &Candidate, policy: &Policy, tokens: f64, too_dear: bool) -> Option<Ineligible> {
    let barred = [
        (policy.allow.as_ref().is_some_and(|ids| !ids.contains(&candidate.id)), Ineligible::Allow),
        (policy.needs.iter().any(|need| !candidate.supports.contains(need)), Ineligible::Capability),
        (!candidate.fits(tokens), Ineligible::Context),
        (too_dear, Ineligible::Price),
    ];
    barred.into_iter().find_map(|(is, why)| is.then_some(why))
}
