//! What `crm send` sends that is neither a text nor a file: a place, a contact, a poll.

use clap::Args;
use serde_json::{Value, json};

use super::{Exit, Fault};

#[derive(Debug, Args)]
#[group(id = "special", multiple = true)]
pub struct Special {
    /// Send a place in degrees, such as 51.5033,-0.1195,Market Hall
    #[arg(long, value_name = "LAT,LNG[,NAME]", allow_hyphen_values = true, conflicts_with_all = ["text", "contact", "poll"])]
    location: Option<String>,
    /// Send somebody's card, such as "Bob:+447700900123"
    #[arg(long, value_name = "NAME:PHONE", conflicts_with_all = ["text", "poll"])]
    contact: Option<String>,
    /// Send a poll; each --option is an answer
    #[arg(long, value_name = "QUESTION", requires = "option", conflicts_with = "text")]
    poll: Option<String>,
    /// An answer of the poll; 2 to 12 of them
    #[arg(long, value_name = "ANSWER", requires = "poll")]
    option: Vec<String>,
    /// How many answers one person may choose; 0: any number
    #[arg(long, value_name = "N", requires = "poll")]
    selectable: Option<u32>,
}

impl Special {
    /// Puts what is to be sent into the request.
    pub fn write_to(&self, body: &mut Value) -> anyhow::Result<()> {
        if let Some(place) = &self.location {
            body["location"] = location(place)?;
        }
        if let Some(card) = &self.contact {
            let Some((name, phone)) = card.rsplit_once(':') else {
                return Err(usage("--contact takes a name and a number, such as \"Bob:+447700900123\"").into());
            };
            body["contact"] = json!({ "name": name, "phone": phone });
        }
        if let Some(question) = &self.poll {
            body["poll"] = json!({
                "question": question, "options": self.option, "selectable": self.selectable.unwrap_or(0),
            });
        }
        Ok(())
    }
}

fn location(text: &str) -> anyhow::Result<Value> {
    let mut parts = text.splitn(3, ',');
    let mut degrees = || parts.next().and_then(|part| part.trim().parse::<f64>().ok());
    let (Some(latitude), Some(longitude)) = (degrees(), degrees()) else {
        return Err(usage("--location takes degrees, north and east positive, such as 51.5033,-0.1195").into());
    };
    let mut place = json!({ "latitude": latitude, "longitude": longitude });
    if let Some(name) = parts.next() {
        place["name"] = name.trim().into();
    }
    Ok(place)
}

fn usage(text: &str) -> Fault {
    Fault::new(Exit::Usage, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_two_numbers_and_perhaps_a_name_with_commas() {
        assert_eq!(
            location("-51.5, 0.25,Market Hall, High Street").unwrap(),
            json!({"latitude": -51.5, "longitude": 0.25, "name": "Market Hall, High Street"})
        );
        for wrong in ["", "51.5", "north,east", "1;2"] {
            assert!(location(wrong).is_err(), "{wrong}");
        }
    }
}
