//! Names beside points, where there is room for them: none lies on another, on a point or outside.

use plotters::style::text_anchor::{HPos, Pos, VPos};

/// A rectangle in plotters' units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    pub left: i32,
    pub top: i32,
    pub right: i32,
    pub bottom: i32,
}

impl Rect {
    /// Around a point.
    pub fn around((x, y): (i32, i32), reach: i32) -> Self {
        Self { left: x - reach, top: y - reach, right: x + reach, bottom: y + reach }
    }

    fn meets(&self, other: &Self) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }

    fn holds(&self, other: &Self) -> bool {
        self.left <= other.left && self.top <= other.top && other.right <= self.right && other.bottom <= self.bottom
    }
}

/// Where a name goes: the point that it is written from, and which of its own sides lies there.
#[derive(Clone, Copy)]
pub struct Place {
    pub at: (i32, i32),
    pub pos: Pos,
}

/// The ground on which names are placed, one after the other.
pub struct Room {
    pub bounds: Rect,
    /// What must not be written on.
    pub taken: Vec<Rect>,
    /// Size of letters.
    pub letters: i32,
}

impl Room {
    /// Finds a place beside a point, and takes it. None where there is no room.
    pub fn place(&mut self, (x, y): (i32, i32), name: &str, gap: i32) -> Option<Place> {
        // Letters are some 0.6 of their size wide on average, in wide fonts.
        let (width, height) = (name.chars().count() as i32 * self.letters * 60 / 100, self.letters * 12 / 10);
        let slanted = gap * 7 / 10;
        let sides = [
            ((gap, 0), HPos::Left, VPos::Center),
            ((-gap, 0), HPos::Right, VPos::Center),
            ((0, -gap), HPos::Center, VPos::Bottom),
            ((0, gap), HPos::Center, VPos::Top),
            ((slanted, -slanted), HPos::Left, VPos::Bottom),
            ((slanted, slanted), HPos::Left, VPos::Top),
            ((-slanted, -slanted), HPos::Right, VPos::Bottom),
            ((-slanted, slanted), HPos::Right, VPos::Top),
        ];
        sides.into_iter().find_map(|((dx, dy), across, down)| {
            let at = (x + dx, y + dy);
            let left = at.0 - [0, width, width / 2][position(matches!(across, HPos::Right), matches!(across, HPos::Center))];
            let top = at.1 - [0, height, height / 2][position(matches!(down, VPos::Bottom), matches!(down, VPos::Center))];
            let rect = Rect { left, top, right: left + width, bottom: top + height };
            if !self.bounds.holds(&rect) || self.taken.iter().any(|other| other.meets(&rect)) {
                return None;
            }
            self.taken.push(rect);
            Some(Place { at, pos: Pos::new(across, down) })
        })
    }
}

fn position(second: bool, third: bool) -> usize {
    usize::from(second) + 2 * usize::from(third)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_avoid_each_other_and_stay_inside() {
        let bounds = Rect { left: 0, top: 0, right: 200, bottom: 100 };
        let mut room = Room { bounds, taken: vec![Rect::around((100, 50), 4)], letters: 10 };
        let placed: Vec<_> = (0..12).map(|_| room.place((100, 50), "twelve chars", 6)).collect();
        let found = placed.iter().flatten().count();
        assert!((2..12).contains(&found), "{found}");
        let names = &room.taken[1..];
        assert_eq!(names.len(), found);
        assert!(names.iter().all(|r| bounds.holds(r)));
        assert!(names.iter().enumerate().all(|(i, a)| room.taken[..=i].iter().all(|b| !a.meets(b))));
        assert!(room.place((100, 50), &"long".repeat(20), 6).is_none());
    }
}
