//! Sight: what somebody gets to see.

use std::sync::Arc;

use crate::domain::{AccountId, OwnerId};

/// Sight of somebody: the customers, conversations, messages and files of some accounts or of all, with the
/// customers' numbers or without. Everything else is as if it were not there. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    accounts: Option<Arc<[AccountId]>>,
    hides_numbers: bool,
    owner: Option<OwnerId>,
}

impl Sight {
    /// Returns the sight of these accounts; `None`: of all. `owner`: whose own uploads are seen as well.
    pub fn of(accounts: Option<Vec<AccountId>>, owner: OwnerId) -> Self {
        Self {
            accounts: accounts.map(Into::into),
            hides_numbers: false,
            owner: Some(owner),
        }
    }

    /// Returns this sight with numbers, or without.
    #[must_use]
    pub fn hiding_numbers(self, hides_numbers: bool) -> Self {
        Self { hides_numbers, ..self }
    }

    /// Returns the accounts that are seen; `None`: all.
    pub fn accounts(&self) -> Option<&[AccountId]> {
        self.accounts.as_deref()
    }

    /// Returns whether everything is seen, of all accounts.
    pub const fn is_whole(&self) -> bool {
        self.accounts.is_none()
    }

    /// Returns whether an account is seen.
    pub fn sees(&self, account: AccountId) -> bool {
        self.accounts
            .as_ref()
            .is_none_or(|accounts| accounts.contains(&account))
    }

    /// Returns whether all is seen that another sight has.
    pub fn covers(&self, other: &Self) -> bool {
        let has_accounts = match (self.accounts(), other.accounts()) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(mine), Some(theirs)) => theirs.iter().all(|account| mine.contains(account)),
        };
        has_accounts && (other.hides_numbers || !self.hides_numbers)
    }

    /// Returns whether customers' numbers are hidden.
    pub const fn hides_numbers(&self) -> bool {
        self.hides_numbers
    }

    /// Returns whose own uploads are seen as well.
    pub const fn owner(&self) -> Option<OwnerId> {
        self.owner
    }

    /// Returns this sight of one account alone, if one is named; of none, if that one is not seen.
    #[must_use]
    pub fn narrowed(&self, account: Option<AccountId>) -> Self {
        let Some(account) = account else { return self.clone() };
        let accounts: Vec<_> = self.sees(account).then_some(account).into_iter().collect();
        Self {
            accounts: Some(accounts.into()),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sight_covers_what_has_no_more_accounts_or_numbers() {
        let [one, two] = [1, 2].map(AccountId);
        let (all, none) = (Sight::default(), Sight::of(Some(vec![]), OwnerId(2)));
        let (first, both) = (
            Sight::of(Some(vec![one]), OwnerId(1)),
            Sight::of(Some(vec![two, one]), OwnerId(2)),
        );
        assert!(all.covers(&both) && both.covers(&first) && first.covers(&first) && first.covers(&none));
        assert!(!first.covers(&both) && !both.covers(&all) && !none.covers(&first));
        let hiding = all.clone().hiding_numbers(true);
        assert!(all.covers(&hiding) && hiding.covers(&hiding) && !hiding.covers(&all));
    }

    #[test]
    fn narrowed_sight_shows_no_more_than_before() {
        let [one, two, three] = [1, 2, 3].map(AccountId);
        let all = Sight::default();
        assert!(all.is_whole() && all.sees(one));
        let some = Sight::of(Some(vec![one, two]), OwnerId(1));
        assert!(some.sees(two) && !some.sees(three) && !some.is_whole());
        assert_eq!(some.narrowed(None), some);
        assert_eq!(some.narrowed(Some(two)).accounts(), Some(&[two][..]));
        assert_eq!(some.narrowed(Some(three)).accounts(), Some(&[][..]));
        assert_eq!(all.narrowed(Some(three)).accounts(), Some(&[three][..]));
        assert!(some.hiding_numbers(true).narrowed(Some(one)).hides_numbers());
    }
}
