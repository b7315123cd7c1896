package org.fewstep.training;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Checkpoints in memory. */
public final class MemoryStore implements CheckpointStore {

  private final Map<String, Checkpoint> all;
  private final String name;

  /** An empty store. */
  public MemoryStore() {
    this(new HashMap<>(), "");
  }

  private MemoryStore(Map<String, Checkpoint> all, String name) {
    this.all = all;
    this.name = name;
  }

  @Override
  public Optional<Checkpoint> load() {
    synchronized (all) {
      return Optional.ofNullable(all.get(name));
    }
  }

  @Override
  public void save(Checkpoint checkpoint) {
    synchronized (all) {
      all.put(name, checkpoint);
    }
  }

  @Override
  public CheckpointStore part(String part) {
    return new MemoryStore(all, name + "/" + part);
  }
}
