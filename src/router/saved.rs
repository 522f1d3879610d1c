//! What must outlive an engine that is lost, piece by piece: where memory has run out, one piece may still fit. Piece 0
//! holds the ids, the budget, the sessions and the decisions that wait for feedback; each of the others what was
//! learned about one candidate.
//!
//! ```text
//! ids u64, sessions, 1 and committed usd f64 and commitments where there is a budget, else 0,
//! 1 and spent usd f64 and random u64 and receipts and closed ids where it learns, else 0
//! ```
//!
//! Lists start with their length as u32, and are in the order in which they will be forgotten.

use super::receipt::Receipt;
use super::sessions::Turn;
use super::{Router, learner::Waiting};
use crate::error::{Error, Result};
use crate::rest::Rest;

/// What piece 0 says.
#[derive(Debug, Default, PartialEq)]
struct Saved {
    ids: u64,
    sessions: Vec<(u64, Turn)>,
    budget: Option<(f64, Vec<(String, f64)>)>,
    waiting: Option<Waiting>,
}

impl Router {
    /// Piece number `piece` of what must not be lost, or nothing where there are no more.
    pub fn save(&self, piece: usize) -> Option<Vec<u8>> {
        match (piece.checked_sub(1), &self.learner) {
            (None, _) => Some(self.saved().to_bytes()),
            (Some(candidate), Some(learner)) if candidate < self.catalog.len() => Some(learner.save_arm(candidate)),
            _ => None,
        }
    }

    /// Takes back a piece that [`Router::save`] gave of an equal router.
    ///
    /// # Errors
    /// [`Error::BadArtifact`] for bytes that are no such piece.
    pub fn restore(&self, piece: usize, bytes: &[u8]) -> Result<()> {
        let restored = match piece.checked_sub(1) {
            None => Saved::read(bytes).and_then(|saved| self.take_back(saved)),
            Some(candidate) if candidate < self.catalog.len() => self.learner()?.restore_arm(candidate, bytes),
            Some(_) => None,
        };
        restored.ok_or_else(|| Error::artifact("saved router", format!("piece {piece} is not of a router like this one")))
    }

    fn saved(&self) -> Saved {
        Saved {
            ids: self.ids.state(),
            sessions: self.sessions.all(),
            budget: self.ledger.as_ref().map(super::Ledger::commitments),
            waiting: self.learner.as_ref().map(|learner| learner.waiting(&self.candidate_ids())),
        }
    }

    fn take_back(&self, saved: Saved) -> Option<()> {
        let Saved { ids, sessions, budget, waiting } = saved;
        if budget.is_some() != self.ledger.is_some() || waiting.is_some() != self.learner.is_some() {
            return None;
        }
        if sessions.iter().any(|(_, turn)| turn.candidate >= self.catalog.len()) {
            return None;
        }
        if let (Some(learner), Some(waiting)) = (&self.learner, waiting) {
            learner.wait_again(waiting, &self.candidate_ids())?;
        }
        self.ids.go_on(ids);
        sessions.into_iter().for_each(|(session, turn)| self.sessions.insert(session, turn));
        if let (Some(ledger), Some((committed_usd, open))) = (&self.ledger, budget) {
            ledger.resume(committed_usd, open);
        }
        Some(())
    }
}

impl Saved {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.ids.to_le_bytes().to_vec();
        list(&mut bytes, &self.sessions, |bytes, (session, turn)| {
            bytes.extend(session.to_le_bytes());
            bytes.extend((turn.candidate as u32).to_le_bytes());
            bytes.extend(turn.tokens.to_le_bytes());
        });
        bytes.push(self.budget.is_some().into());
        if let Some((committed_usd, open)) = &self.budget {
            bytes.extend(committed_usd.to_le_bytes());
            list(&mut bytes, open, |bytes, (id, usd)| {
                text(bytes, id);
                bytes.extend(usd.to_le_bytes());
            });
        }
        bytes.push(self.waiting.is_some().into());
        if let Some(Waiting { spent, random, open, closed }) = &self.waiting {
            bytes.extend(spent.to_le_bytes());
            bytes.extend(random.to_le_bytes());
            list(&mut bytes, open, |bytes, receipt| block(bytes, &receipt.to_bytes()));
            list(&mut bytes, closed, |bytes, id| text(bytes, id));
        }
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = Rest(bytes);
        let ids = rest.u64()?;
        let turn = |rest: &mut Rest| Some((rest.u64()?, Turn { candidate: rest.u32()? as usize, tokens: number(rest)? }));
        let sessions = read_list(&mut rest, turn)?;
        let budget = match rest.take(1)? {
            [0] => None,
            _ => Some((number(&mut rest)?, read_list(&mut rest, |rest| Some((rest.text()?, number(rest)?)))?)),
        };
        let waiting = match rest.take(1)? {
            [0] => None,
            _ => Some(Waiting {
                spent: number(&mut rest)?,
                random: rest.u64()?,
                open: read_list(&mut rest, |rest| {
                    let len = rest.u32()? as usize;
                    Receipt::parse(rest.take(len)?).ok()
                })?,
                closed: read_list(&mut rest, |rest| rest.text())?,
            }),
        };
        rest.0.is_empty().then_some(Self { ids, sessions, budget, waiting })
    }
}

fn number(rest: &mut Rest) -> Option<f64> {
    rest.f64().filter(|x| x.is_finite())
}

fn block(bytes: &mut Vec<u8>, content: &[u8]) {
    bytes.extend((content.len() as u32).to_le_bytes());
    bytes.extend(content);
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    block(bytes, text.as_bytes());
}

fn list<T>(bytes: &mut Vec<u8>, items: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    bytes.extend((items.len() as u32).to_le_bytes());
    items.iter().for_each(|item| write(bytes, item));
}

fn read_list<T>(rest: &mut Rest, read: impl Fn(&mut Rest) -> Option<T>) -> Option<Vec<T>> {
    let count = rest.u32()?;
    (0..count).map(|_| read(rest)).collect()
}
