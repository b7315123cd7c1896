package org.fewstep.bench;

/** The flags of the JVMs that benchmarks run in: without the first there is no vector backend. */
final class Jvm {

  static final String VECTOR = "--add-modules=jdk.incubator.vector";
  static final String NATIVE = "--enable-native-access=ALL-UNNAMED";

  private Jvm() {}
}
