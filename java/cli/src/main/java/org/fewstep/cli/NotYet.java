package org.fewstep.cli;

import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Unmatched;

/** The verbs that are known but not there yet; each says so, whatever its options. */
abstract class NotYet implements Runnable {

  private final String verb;

  @Unmatched private List<String> ignored;

  NotYet(String verb) {
    this.verb = verb;
  }

  @Override
  public void run() {
    throw refusal("the verb " + verb);
  }

  /** The refusal of a verb, an option or a value that a later version brings. */
  static IllegalArgumentException refusal(String what) {
    return new IllegalArgumentException(what + " is not there yet; a later version brings it");
  }

  @Command(name = "distill", description = "Distils a flow into networks (not there yet).")
  static final class Distill extends NotYet {
    Distill() {
      super("distill");
    }
  }

  @Command(name = "sample", description = "Samples by a distilled flow (not there yet).")
  static final class Sample extends NotYet {
    Sample() {
      super("sample");
    }
  }

  @Command(name = "ridge", description = "Projects points to a ridge (not there yet).")
  static final class Ridge extends NotYet {
    Ridge() {
      super("ridge");
    }
  }
}
