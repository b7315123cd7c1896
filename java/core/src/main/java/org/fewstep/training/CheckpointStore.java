package org.fewstep.training;

import java.io.IOException;
import java.util.Optional;

/** Where a training keeps its last good checkpoint. */
public interface CheckpointStore {

  /** Keeps nothing. */
  CheckpointStore NONE =
      new CheckpointStore() {
        @Override
        public Optional<Checkpoint> load() {
          return Optional.empty();
        }

        @Override
        public void save(Checkpoint checkpoint) {}

        @Override
        public CheckpointStore part(String name) {
          return this;
        }
      };

  /** The last checkpoint saved, if there is one. */
  Optional<Checkpoint> load() throws IOException;

  /** Puts a checkpoint in the place of the one before, which is lost only once this one is safe. */
  void save(Checkpoint checkpoint) throws IOException;

  /** The store of a training that is part of this one. */
  CheckpointStore part(String name);
}
