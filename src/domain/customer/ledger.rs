//! Decides who has an identity when WhatsApp reports several identities of one person and some belong to other
//! customers.
//!
//! A LID is a person's for ever; a phone number and a username can be given up and taken by another person. So
//! identities that are reported with a LID belong to the customer who has the LID. A customer who had one of them and
//! has another LID is another person, who has lost it; a customer who had one and has no LID is the same person, which
//! was not known before.

use super::IdentityKind;
use crate::domain::CustomerId;

/// One of the identities that were reported together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Kind of the identity.
    pub kind: IdentityKind,
    /// Customer who has it now.
    pub owner: Option<Owner>,
}

/// Present owner of an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The customer.
    pub customer: CustomerId,
    /// Whether the customer has a LID that was not reported.
    pub has_other_lid: bool,
}

/// Decision about one identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The customer keeps it.
    Keep,
    /// Nobody has it: the person gets it.
    Add,
    /// It passes from another customer to the person.
    Move,
    /// The customer who has it is the same person, and is merged.
    Merge(CustomerId),
}

/// Decision about all identities of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Customer that the person is; `None` when the person is new.
    pub person: Option<CustomerId>,
    /// Decisions in the order of the identities.
    pub verdicts: Vec<Verdict>,
}

/// Decides who has the reported identities. The first identity names the chat.
pub fn decide(claims: &[Claim]) -> Plan {
    let lid = claims.iter().find(|claim| claim.kind == IdentityKind::Lid);
    let person = match lid {
        Some(Claim { owner: Some(owner), .. }) => Some(owner.customer),
        // Nobody has this LID yet: a customer without any LID may be its person.
        Some(_) => owners(claims)
            .find(|owner| !owner.has_other_lid)
            .map(|owner| owner.customer),
        None => owners(claims).next().map(|owner| owner.customer),
    };
    let person_has_lid =
        lid.is_some() || owners(claims).any(|owner| Some(owner.customer) == person && owner.has_other_lid);
    let verdicts = claims
        .iter()
        .map(|claim| match claim.owner {
            None => Verdict::Add,
            Some(owner) if Some(owner.customer) == person => Verdict::Keep,
            Some(owner) if owner.has_other_lid && person_has_lid => Verdict::Move,
            Some(owner) => Verdict::Merge(owner.customer),
        })
        .collect();
    Plan { person, verdicts }
}

fn owners(claims: &[Claim]) -> impl Iterator<Item = Owner> {
    claims.iter().filter_map(|claim| claim.owner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use IdentityKind::{Lid, Phone, Username};
    use Verdict::{Add, Keep, Merge, Move};

    const NOBODY: Option<Owner> = None;

    fn claim(kind: IdentityKind, owner: Option<Owner>) -> Claim {
        Claim { kind, owner }
    }

    #[expect(clippy::unnecessary_wraps, reason = "it stands beside `NOBODY`")]
    fn of(id: i64, has_other_lid: bool) -> Option<Owner> {
        Some(Owner {
            customer: CustomerId(id),
            has_other_lid,
        })
    }

    fn plan(claims: &[(IdentityKind, Option<Owner>)]) -> (Option<i64>, Vec<Verdict>) {
        let claims: Vec<_> = claims.iter().map(|(kind, owner)| claim(*kind, *owner)).collect();
        let Plan { person, verdicts } = decide(&claims);
        (person.map(|id| id.0), verdicts)
    }

    #[test]
    fn unowned_identity_joins_known_customer() {
        assert_eq!(plan(&[(Phone, NOBODY), (Lid, NOBODY)]), (None, vec![Add, Add]));
        assert_eq!(
            plan(&[(Phone, of(7, false)), (Lid, NOBODY)]),
            (Some(7), vec![Keep, Add])
        );
        assert_eq!(
            plan(&[(Username, NOBODY), (Lid, of(7, false))]),
            (Some(7), vec![Add, Keep])
        );
    }

    #[test]
    fn two_customers_merge_if_one_has_no_lid() {
        let told = [(Phone, of(1, false)), (Lid, of(2, false))];
        assert_eq!(plan(&told), (Some(2), vec![Merge(CustomerId(1)), Keep]));
        let told = [(Phone, of(1, false)), (Username, of(2, true))];
        assert_eq!(plan(&told), (Some(1), vec![Keep, Merge(CustomerId(2))]));
    }

    /// The number of somebody with another LID has passed to another person.
    #[test]
    fn number_under_new_lid_moves_without_merge() {
        let told = [(Lid, of(2, false)), (Phone, of(1, true))];
        assert_eq!(plan(&told), (Some(2), vec![Keep, Move]));
        let told = [(Phone, of(1, true)), (Lid, NOBODY)];
        assert_eq!(plan(&told), (None, vec![Move, Add]), "its new owner is new to us");
        let told = [(Phone, of(1, true)), (Username, of(2, true))];
        assert_eq!(plan(&told), (Some(1), vec![Keep, Move]));
    }

    #[test]
    fn lid_never_moves_between_customers() {
        for owner in [NOBODY, of(1, false), of(1, true)] {
            for other in [NOBODY, of(1, false), of(1, true), of(2, false), of(2, true)] {
                let (_, verdicts) = plan(&[(Phone, other), (Lid, owner)]);
                assert_ne!(verdicts[1], Move, "{owner:?} {other:?}");
            }
        }
    }
}
