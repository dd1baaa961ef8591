//! Links in texts: pills of mentioned users, and phone numbers.

use std::ops::Range;

use serde_json::{Value, json};

use crate::domain::shown::{Link, LinkTo};

/// Address under which clients draw a user as a pill.
const PILL: &str = "https://matrix.to/#/";

/// Returns the stretches of a text that lead somewhere, with their addresses.
pub fn addresses(links: &[Link]) -> Vec<(Range<usize>, String)> {
    let address = |link: &Link| match &link.to {
        LinkTo::User(user) => Some((link.range.clone(), format!("{PILL}{user}"))),
        LinkTo::Number(number) => Some((link.range.clone(), format!("tel:{number}"))),
        LinkTo::Customer(_) => None,
    };
    links.iter().filter_map(address).collect()
}

/// Names the users of pills in the content, as clients that draw pills expect.
pub fn mention(links: &[Link], content: &mut Value) {
    let mut users: Vec<&str> = vec![];
    for link in links {
        if let LinkTo::User(user) = &link.to
            && !users.contains(&user.as_str())
        {
            users.push(user.as_str());
        }
    }
    if !users.is_empty() {
        content["m.mentions"] = json!({"user_ids": users});
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CustomerId;
    use crate::domain::matrix::{RoomContent, TxnId};
    use crate::matrix::wire::outgoing;

    #[test]
    fn mention_of_user_is_pill_of_customer_alone_is_name() {
        let link = |range, to| Link { range, to };
        let content = RoomContent::Text {
            body: "@Bob and @Eve: +44 7700".to_owned(),
            reply_to: None,
            links: vec![
                link(0..4, LinkTo::User("@wa_1:h".into())),
                link(9..13, LinkTo::Customer(CustomerId(2))),
                link(15..23, LinkTo::Number("+447700".to_owned())),
            ],
        };
        let content = outgoing(&content, None, &TxnId("i".to_owned())).content;
        assert_eq!(content["body"], "@Bob and @Eve: +44 7700");
        assert_eq!(
            content["formatted_body"],
            r#"<a href="https://matrix.to/#/@wa_1:h">@Bob</a> and @Eve: <a href="tel:+447700">+44 7700</a>"#
        );
        assert_eq!(content["m.mentions"], json!({"user_ids": ["@wa_1:h"]}));
    }
}
