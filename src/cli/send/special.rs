//! `crm send` without text and file: a location, a contact or a poll.

use clap::Args;

use crate::cli::{Exit, Fault};
use crate::contract::{SendContact, SendLocation, SendPoll, SendRequest};

#[derive(Debug, Args)]
#[group(id = "special", multiple = true)]
pub struct Special {
    /// Send a location in degrees, such as 51.5033,-0.1195,Market Hall
    #[arg(long, value_name = "LAT,LNG[,NAME]", allow_hyphen_values = true, conflicts_with_all = ["text", "contact", "poll"])]
    location: Option<String>,
    /// Send a contact, such as "Bob:+447700900123"
    #[arg(long, value_name = "NAME:PHONE", allow_hyphen_values = true, conflicts_with_all = ["text", "poll"])]
    contact: Option<String>,
    /// Send a poll; each --option is an answer
    #[arg(
        long,
        value_name = "QUESTION",
        allow_hyphen_values = true,
        requires = "option",
        conflicts_with = "text"
    )]
    poll: Option<String>,
    /// An answer of the poll; 2 to 12 of them
    #[arg(long, value_name = "ANSWER", allow_hyphen_values = true, requires = "poll")]
    option: Vec<String>,
    /// How many answers one person may choose; 0: any number
    #[arg(long, value_name = "N", requires = "poll")]
    selectable: Option<u32>,
}

impl Special {
    /// Adds the location, contact or poll to the request.
    pub fn write_to(self, request: &mut SendRequest) -> anyhow::Result<()> {
        if let Some(place) = &self.location {
            request.location = Some(location(place)?);
        }
        if let Some(card) = &self.contact {
            let Some((name, phone)) = card.rsplit_once(':') else {
                return Err(usage("--contact takes a name and a number, such as \"Bob:+447700900123\"").into());
            };
            request.contact = Some(SendContact {
                name: name.to_owned(),
                phone: Some(phone.to_owned()),
                vcard: None,
            });
        }
        if let Some(question) = self.poll {
            request.poll = Some(SendPoll {
                question,
                options: self.option,
                selectable: self.selectable.unwrap_or(0),
            });
        }
        Ok(())
    }
}

fn location(text: &str) -> anyhow::Result<SendLocation> {
    let mut parts = text.splitn(3, ',');
    let mut degrees = || parts.next().and_then(|part| part.trim().parse::<f64>().ok());
    let (Some(latitude), Some(longitude)) = (degrees(), degrees()) else {
        return Err(usage("--location takes degrees, north and east positive, such as 51.5033,-0.1195").into());
    };
    Ok(SendLocation {
        latitude,
        longitude,
        name: parts.next().map(|name| name.trim().to_owned()),
        address: None,
    })
}

fn usage(text: &str) -> Fault {
    Fault::new(Exit::Usage, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn location_is_two_numbers_and_optional_name() {
        let place = serde_json::to_string(&location("-51.5, 0.25,Market Hall, High Street").unwrap()).unwrap();
        assert_eq!(
            place,
            r#"{"latitude":-51.5,"longitude":0.25,"name":"Market Hall, High Street"}"#
        );
        for wrong in ["", "51.5", "north,east", "1;2"] {
            assert!(location(wrong).is_err(), "{wrong}");
        }
    }
}
