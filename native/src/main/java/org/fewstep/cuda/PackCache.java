package org.fewstep.cuda;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.function.BiPredicate;
import java.util.function.Function;

/**
 * The packed forms, in device memory, of the mixtures, plans and networks used last, so that a call
 * repeated with the same one packs and copies nothing. Keeps a few; the one not used for longest
 * makes room, and is closed. The context's lock guards it.
 */
final class PackCache<K, V extends AutoCloseable> implements AutoCloseable {

  private static final int ENTRIES = 32;

  private final BiPredicate<K, K> same;
  private final Function<K, V> pack;
  private final ArrayDeque<Entry<K, V>> entries = new ArrayDeque<>(ENTRIES + 1);

  private record Entry<K, V>(K key, V value) {}

  private PackCache(BiPredicate<K, K> same, Function<K, V> pack) {
    this.same = same;
    this.pack = pack;
  }

  /** A cache whose keys are immutable and compared by identity. */
  static <K, V extends AutoCloseable> PackCache<K, V> byIdentity(Function<K, V> pack) {
    return new PackCache<>((one, other) -> one == other, pack);
  }

  /** A cache of keys that are made for the call. */
  static <K, V extends AutoCloseable> PackCache<K, V> by(
      BiPredicate<K, K> same, Function<K, V> pack) {
    return new PackCache<>(same, pack);
  }

  /** The packed form. */
  V get(K key) {
    for (Iterator<Entry<K, V>> all = entries.iterator(); all.hasNext(); ) {
      Entry<K, V> entry = all.next();
      if (same.test(entry.key, key)) {
        all.remove();
        entries.addFirst(entry);
        return entry.value;
      }
    }
    V made = pack.apply(key);
    entries.addFirst(new Entry<>(key, made));
    if (entries.size() > ENTRIES) {
      close(entries.removeLast().value);
    }
    return made;
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
