package org.fewstep.cuda;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.function.BiPredicate;
import java.util.function.Function;

/**
 * The packed forms, in device memory, of the mixtures, plans and networks used last, so that a call
 * repeated with the same one packs and copies nothing. Keeps a few; the one not used for longest
 * makes room, and is closed, unless a graph still uses it. The context's lock guards it.
 */
final class PackCache<K, V extends AutoCloseable> implements AutoCloseable {

  private static final int ENTRIES = 32;

  private final CudaContext context;
  private final BiPredicate<K, K> same;
  private final Function<K, V> pack;
  private final ArrayDeque<Entry<K, V>> entries = new ArrayDeque<>(ENTRIES + 1);

  private static final class Entry<K, V> {
    final K key;
    final V value;
    int graphs;

    Entry(K key, V value) {
      this.key = key;
      this.value = value;
    }
  }

  private PackCache(CudaContext context, BiPredicate<K, K> same, Function<K, V> pack) {
    this.context = context;
    this.same = same;
    this.pack = pack;
  }

  /** A cache whose keys are immutable and compared by identity. */
  static <K, V extends AutoCloseable> PackCache<K, V> byIdentity(
      CudaContext context, Function<K, V> pack) {
    return new PackCache<>(context, (one, other) -> one == other, pack);
  }

  /** A cache of keys that are made for the call. */
  static <K, V extends AutoCloseable> PackCache<K, V> by(
      CudaContext context, BiPredicate<K, K> same, Function<K, V> pack) {
    return new PackCache<>(context, same, pack);
  }

  /** The packed form. While a graph is recorded, that holds it until it is closed. */
  V get(K key) {
    Entry<K, V> entry = find(key);
    if (entry == null) {
      entry = new Entry<>(key, pack.apply(key));
      makeRoom();
    }
    entries.addFirst(entry);
    hold(entry);
    return entry.value;
  }

  private Entry<K, V> find(K key) {
    for (Iterator<Entry<K, V>> all = entries.iterator(); all.hasNext(); ) {
      Entry<K, V> entry = all.next();
      if (same.test(entry.key, key)) {
        all.remove();
        return entry;
      }
    }
    return null;
  }

  private void makeRoom() {
    Iterator<Entry<K, V>> oldest = entries.descendingIterator();
    while (entries.size() >= ENTRIES && oldest.hasNext()) {
      Entry<K, V> entry = oldest.next();
      if (entry.graphs == 0) {
        oldest.remove();
        close(entry.value);
      }
    }
  }

  private void hold(Entry<K, V> entry) {
    CudaGraph recording = context.recording();
    if (recording != null) {
      entry.graphs++;
      recording.onClose(() -> entry.graphs--);
    }
  }

  /** Closes all that is kept. */
  @Override
  public void close() {
    while (!entries.isEmpty()) {
      close(entries.removeLast().value);
    }
  }

  private static void close(AutoCloseable packed) {
    try {
      packed.close();
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
