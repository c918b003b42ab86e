//! Values at places, each with a key of its own: that of a value which was removed never is another's.

/// Where a value is, and which of those that were there: its generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Where.
    pub place: u32,
    /// How many were there before.
    pub generation: u32,
}

/// The values.
#[derive(Debug)]
pub struct Slots<T> {
    values: Vec<(u32, Option<Box<T>>)>,
    free: Vec<u32>,
}

impl<T> Slots<T> {
    /// None.
    pub fn new() -> Self {
        Self { values: Vec::new(), free: Vec::new() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len() - self.free.len()
    }

    /// Puts a value somewhere.
    pub fn insert(&mut self, value: T) -> Key {
        let place = self.free.pop().unwrap_or_else(|| {
            self.values.push((0, None));
            self.values.len() as u32 - 1
        });
        let (generation, slot) = &mut self.values[place as usize];
        *slot = Some(Box::new(value));
        Key { place, generation: *generation }
    }

    /// The value with this key, if it is still there.
    pub fn get(&mut self, key: Key) -> Option<&mut T> {
        let (generation, value) = self.values.get_mut(key.place as usize)?;
        if *generation == key.generation { value.as_deref_mut() } else { None }
    }

    /// Removes it.
    pub fn remove(&mut self, key: Key) -> Option<Box<T>> {
        self.get(key)?;
        let (generation, value) = self.values.get_mut(key.place as usize)?;
        *generation = generation.wrapping_add(1);
        self.free.push(key.place);
        value.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_not_name_the_next_value_at_its_place() {
        let mut slots = Slots::new();
        let first = slots.insert("first");
        assert_eq!(slots.get(first), Some(&mut "first"));
        assert_eq!(slots.remove(first).as_deref(), Some(&"first"));
        assert_eq!((slots.len(), slots.remove(first)), (0, None));
        let second = slots.insert("second");
        assert_eq!((first.place, slots.get(first)), (second.place, None));
        assert_eq!((slots.len(), slots.get(second)), (1, Some(&mut "second")));
    }
}
