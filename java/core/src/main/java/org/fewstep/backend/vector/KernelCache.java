package org.fewstep.backend.vector;

import java.util.function.Function;

/**
 * The packed forms of the mixtures (or plans) used last, found by identity, so that a call repeated
 * with the same mixture packs and allocates nothing. Keeps a few until others take their place.
 */
final class KernelCache<M, T> {

  private static final int ENTRIES = 16;

  private final Function<M, T> pack;

  @SuppressWarnings("unchecked") // there are no arrays of generic types
  private final Entry<M, T>[] entries = (Entry<M, T>[]) new Entry<?, ?>[ENTRIES];

  private int next;

  private record Entry<M, T>(M key, T value) {}

  KernelCache(Function<M, T> pack) {
    this.pack = pack;
  }

  /** The packed form; made outside the lock, at worst twice. */
  T get(M mixture) {
    T found = find(mixture);
    if (found == null) {
      found = pack.apply(mixture);
      add(new Entry<>(mixture, found));
    }
    return found;
  }

  private synchronized T find(M mixture) {
    for (Entry<M, T> entry : entries) {
      if (entry != null && entry.key == mixture) {
        return entry.value;
      }
    }
    return null;
  }

  private synchronized void add(Entry<M, T> entry) {
    entries[next] = entry;
    next = (next + 1) % ENTRIES;
  }
}
