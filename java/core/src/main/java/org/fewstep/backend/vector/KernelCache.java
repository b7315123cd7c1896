package org.fewstep.backend.vector;

import java.lang.ref.WeakReference;
import java.util.function.Function;

/**
 * The packed forms of the mixtures (or plans) used last, found by identity, so that a call repeated
 * with the same mixture packs and allocates nothing. Holds a mixture weakly and its packed form
 * until another takes its place.
 */
final class KernelCache<M, T> {

  private static final int ENTRIES = 16;

  private final Function<M, T> pack;

  @SuppressWarnings("unchecked") // there are no arrays of generic types
  private final Entry<M, T>[] entries = (Entry<M, T>[]) new Entry<?, ?>[ENTRIES];

  private int next;

  private record Entry<M, T>(WeakReference<M> key, T value) {}

  KernelCache(Function<M, T> pack) {
    this.pack = pack;
  }

  /** The packed form; made outside the lock, at worst twice. */
  T get(M mixture) {
    T found = find(mixture);
    if (found == null) {
      found = pack.apply(mixture);
      add(new Entry<>(new WeakReference<>(mixture), found));
    }
    return found;
  }

  private synchronized T find(M mixture) {
    for (Entry<M, T> entry : entries) {
      if (entry != null && entry.key.refersTo(mixture)) {
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
