//! Graph of the modules that use each other, and its cycles.

use std::collections::{BTreeMap, BTreeSet};

use super::paths::{Named, named};
use super::source::{Place, Program};

/// Maximum number of re-exports that are followed for one name.
const MAX_PASSED_ON: usize = 16;

/// The program with the names that its modules use.
pub struct Graph {
    pub program: Program,
    pub names: BTreeMap<Place, Named>,
}

impl Graph {
    /// Reads the names that the modules of a program use.
    pub fn of(program: Program) -> Self {
        let is_module = |place: &[String]| program.0.contains_key(place);
        let names = program
            .0
            .iter()
            .map(|(place, source)| (place.clone(), named(place, source, &is_module)))
            .collect();
        Self { program, names }
    }

    /// Returns whether there is a module at this place.
    pub fn is_module(&self, place: &[String]) -> bool {
        self.program.0.contains_key(place)
    }

    /// Returns the module that defines what a path names, through all re-exports.
    pub fn home(&self, path: &[String]) -> Option<Place> {
        let mut path = path.to_vec();
        for _ in 0..MAX_PASSED_ON {
            let passed_on = (0..path.len()).find_map(|at| {
                let next = self.names.get(&path[..at])?.passed_on.get(&path[at])?;
                (!self.is_module(&path[..=at])).then(|| [next.as_slice(), &path[at + 1..]].concat())
            });
            match passed_on {
                Some(next) => path = next,
                None => break,
            }
        }
        (1..=path.len())
            .rev()
            .map(|end| &path[..end])
            .find(|place| self.is_module(place))
            .map(<[String]>::to_vec)
    }

    /// Returns the other modules that a module uses.
    pub fn uses(&self, place: &[String]) -> BTreeSet<Place> {
        let paths = self.names.get(place).into_iter().flat_map(|named| &named.used);
        paths
            .filter_map(|path| self.home(path))
            .filter(|home| home != place)
            .collect()
    }

    /// Returns which groups of modules use which. A module that is in no group is left out.
    pub fn grouped<G: Ord + Clone>(&self, group: impl Fn(&[String]) -> Option<G>) -> BTreeMap<G, BTreeSet<G>> {
        let mut edges: BTreeMap<G, BTreeSet<G>> = BTreeMap::new();
        for place in self.program.0.keys() {
            let Some(from) = group(place) else { continue };
            let used = self.uses(place).into_iter().filter_map(|used| group(&used));
            let used: Vec<G> = used.filter(|to| *to != from).collect();
            edges.entry(from).or_default().extend(used);
        }
        edges
    }
}

/// Returns the sets of nodes in which each node reaches every other: the strongly connected components that are cycles.
pub fn circles<N: Ord + Clone>(edges: &BTreeMap<N, BTreeSet<N>>) -> Vec<Vec<N>> {
    let reached: BTreeMap<&N, BTreeSet<&N>> = edges.keys().map(|node| (node, reach(edges, node))).collect();
    let mut seen = BTreeSet::new();
    let mut found = vec![];
    for (node, below) in &reached {
        if !below.contains(node) || !seen.insert(*node) {
            continue;
        }
        let circle: Vec<&N> = below
            .iter()
            .copied()
            .filter(|other| reached.get(other).is_some_and(|back| back.contains(node)))
            .collect();
        seen.extend(circle.iter().copied());
        found.push(circle.into_iter().cloned().collect());
    }
    found
}

fn reach<'a, N: Ord>(edges: &'a BTreeMap<N, BTreeSet<N>>, from: &N) -> BTreeSet<&'a N> {
    let mut found = BTreeSet::new();
    let mut next: Vec<&N> = edges.get(from).into_iter().flatten().collect();
    while let Some(node) = next.pop() {
        if found.insert(node) {
            next.extend(edges.get(node).into_iter().flatten());
        }
    }
    found
}
