package org.fewstep.backend.vector;

import java.lang.ref.WeakReference;
import java.util.function.Function;
import org.fewstep.mixture.DiffusedMixture;

/**
 * The packed forms of the mixtures used last, found by identity, so that a call repeated with the
 * same mixture packs and allocates nothing. Holds a mixture weakly and its packed form until
 * another takes its place.
 */
final class KernelCache<T> {

  private static final int ENTRIES = 16;

  private final Function<DiffusedMixture, T> pack;
  private final Entry<?>[] entries = new Entry<?>[ENTRIES];
  private int next;

  private record Entry<T>(WeakReference<DiffusedMixture> key, T value) {}

  KernelCache(Function<DiffusedMixture, T> pack) {
    this.pack = pack;
  }

  /** The packed form; made outside the lock, at worst twice. */
  T get(DiffusedMixture mixture) {
    T found = find(mixture);
    if (found == null) {
      found = pack.apply(mixture);
      add(new Entry<>(new WeakReference<>(mixture), found));
    }
    return found;
  }

  @SuppressWarnings("unchecked") // only add() fills the entries
  private synchronized T find(DiffusedMixture mixture) {
    for (Entry<?> entry : entries) {
      if (entry != null && entry.key.refersTo(mixture)) {
        return (T) entry.value;
      }
    }
    return null;
  }

  private synchronized void add(Entry<T> entry) {
    entries[next] = entry;
    next = (next + 1) % ENTRIES;
  }
}
