package org.fewstep.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The verbs that work on networks. */
@Command(
    name = "network",
    description = "Compiles and runs networks.",
    subcommands = {NetworkCompileCommand.class, NetworkForwardCommand.class},
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class NetworkCommand implements Runnable {

  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "what to do with the network is missing: compile or forward");
  }
}
