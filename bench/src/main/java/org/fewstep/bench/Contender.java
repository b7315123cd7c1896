package org.fewstep.bench;

/** One way of doing a task, made ready to be timed: its inputs and outputs are there already. */
interface Contender extends AutoCloseable {

  /** What it is, for the table: "vector", "LibTorch expanded". */
  String name();

  /** Does the task that many times and returns the seconds that all of them took together. */
  double seconds(int calls);

  /** The output of the task, row-major; empty if there is none to be checked. */
  default float[] result() {
    return new float[0];
  }

  @Override
  default void close() {}

  /** A task in this process. */
  static Contender of(String name, Runnable task) {
    return new Contender() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public double seconds(int calls) {
        long start = System.nanoTime();
        for (int i = 0; i < calls; i++) {
          task.run();
        }
        return (System.nanoTime() - start) * 1e-9;
      }
    };
  }
}
