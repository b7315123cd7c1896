package org.fewstep.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Runs the usual commands once, so that the build can keep what they load, link and learn in the
 * start-up cache. Not a verb: users have no need of it.
 */
final class StartupTraining {

  private StartupTraining() {}

  /** Runs the commands in a scratch folder, which is given and must be empty or missing. */
  public static void main(String[] args) throws IOException {
    Path folder = Files.createDirectories(Path.of(args[0]));
    String samples = folder.resolve("samples.npy").toString();
    String results = folder.resolve("results").toString();
    String networks = folder.resolve("networks.safetensors").toString();
    String mixture = "example:ring8";
    for (List<String> command :
        List.of(
            List.of("info"),
            List.of("info", "--json"),
            List.of("flow", "--mixture", mixture, "--count", "1000", "--output", samples),
            List.of(
                "evaluate",
                "--mixture",
                mixture,
                "--points",
                samples,
                "--time",
                "0.1",
                "--output",
                results),
            List.of(
                "evaluate",
                "--mixture",
                mixture,
                "--points",
                samples,
                "--time",
                "0.1",
                "--output",
                results,
                "--precision",
                "f64",
                "--json"),
            List.of(
                "flow",
                "--mixture",
                mixture,
                "--noise",
                samples,
                "--output",
                samples,
                "--precision",
                "f64",
                "--solver",
                "heun",
                "--json"),
            List.of(
                "flow",
                "--mixture",
                mixture,
                "--count",
                "100000",
                "--output",
                samples,
                "--plot",
                folder.resolve("samples.png").toString()),
            List.of("grid", "--mixture", mixture, "--kind", "log-snr", "--segments", "8"),
            List.of(
                "distill",
                "--mixture",
                mixture,
                "--seed",
                "1",
                "--steps",
                "20",
                "--grid",
                "uniform:2",
                "--output",
                networks),
            List.of("sample", "--flow", networks, "--count", "1000", "--output", samples),
            List.of(
                "network",
                "compile",
                "--mixture",
                mixture,
                "--time",
                "0.1",
                "--tolerance",
                "0.1",
                "--output",
                networks),
            List.of(
                "network",
                "forward",
                "--network",
                networks,
                "--points",
                samples,
                "--output",
                samples),
            List.of("flow", "--mixture", "none.json", "--count", "1", "--output", samples))) {
      StringWriter told = new StringWriter();
      PrintWriter writer = new PrintWriter(told);
      int code = Main.run(command.toArray(String[]::new), writer, writer);
      boolean expected = code == (command.contains("none.json") ? 2 : 0);
      if (!expected) {
        throw new IllegalStateException(command + " ended with " + code + ": " + told);
      }
    }
  }
}
