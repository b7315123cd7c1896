package org.fewstep.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every malformed file or option gives exit 2 and one clear line. */
class RefusalTest {

  @TempDir Path folder;

  @BeforeEach
  void makeFiles() throws IOException {
    Cli.points(folder.resolve("x.npy"), 2, 0.5, 1, -1, 2);
    Cli.points(folder.resolve("wide.npy"), 3, 1, 2, 3);
    Cli.points(folder.resolve("short.npy"), 2, 1, 2);
    Cli.points(folder.resolve("nan.npy"), 2, 1, Double.NaN);
    Files.writeString(folder.resolve("ragged.csv"), "1,2\n3\n");
    Files.writeString(folder.resolve("empty.csv"), "");
    Files.writeString(folder.resolve("text.npy"), "not an array");
    Files.writeString(folder.resolve("broken.json"), "{");
    byte[] whole = Files.readAllBytes(folder.resolve("x.npy"));
    Files.write(folder.resolve("cut.npy"), Arrays.copyOf(whole, whole.length - 3));
    lying("lying.npy", whole, "(2, 2)", "(4000000000000, 2)");
    lying("integers.npy", whole, "<f8", "<i8");
  }

  /** Another text in a header, at the cost of its padding. */
  private void lying(String name, byte[] whole, String from, String to) throws IOException {
    String text = new String(whole, StandardCharsets.ISO_8859_1);
    String lie =
        text.replace(from, to).replace(" ".repeat(to.length() - from.length()) + "\n", "\n");
    Files.writeString(folder.resolve(name), lie, StandardCharsets.ISO_8859_1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        // Verbs and options.
        "~~ | a verb is missing",
        "fly | fly",
        "flow | Missing required option",
        "info --colour | Unknown option: '--colour'",
        "info extra | Unmatched argument",
        "info --backend | Missing required parameter",
        "info --json=maybe | maybe",
        "selftest --backend gpu | backend must be one of",
        "selftest --backend cuda | cuda",
        "selftest --precision f16 | --precision must be f32 or f64, but is 'f16'",
        "selftest --threads 0 | threads must lie in",
        "selftest --threads many | 'many' is not an int",
        "selftest --process sde | process must be one of",
        // What is not there yet.
        "ridge --data d.npy --time 1 | ridge is not there yet",
        "FLOW --count 3 --stabilizer stein | --stabilizer is not there yet",
        // Mixtures.
        "evaluate --mixture example:star --points @x.npy --time 1 --output @o | star",
        "evaluate --mixture example:ring8?sigma=-1 --points @x.npy --time 1 --output @o | sigma",
        "evaluate --mixture example:ring8?tau=1 --points @x.npy --time 1 --output @o | tau",
        "evaluate --mixture @none.json --points @x.npy --time 1 --output @o | no such file",
        "evaluate --mixture @ --points @x.npy --time 1 --output @o | must be a .json file",
        "evaluate --mixture @broken.json --points @x.npy --time 1 --output @o | is not JSON",
        "evaluate --mixture @x.txt --points @x.npy --time 1 --output @o | must be a .json file",
        "evaluate --mixture @ragged.csv --points @x.npy --time 1 --output @o | line 2",
        "evaluate --mixture @empty.csv --points @x.npy --time 1 --output @o | at least one line",
        "evaluate --mixture @nan.npy --points @x.npy --time 1 --output @o | points[0][1]",
        "evaluate --mixture @lying.npy --points @x.npy --time 1 --output @o | claims the shape",
        "evaluate --mixture @x.npy --bandwidth -1 --points @x.npy --time 1 --output @o | bandwidth",
        "evaluate --mixture @x.npy --bandwidth NaN --points @x.npy --time 1 --output @o |"
            + " bandwidth",
        "FLOW --count 3 --bandwidth 1 | --bandwidth goes with data points",
        // Points and times.
        "EVALUATE --points @none.npy --time 1 | none.npy: no such file",
        "EVALUATE --points @ --time 1 | is a directory",
        "EVALUATE --points @text.npy --time 1 | is not a .npy file",
        "EVALUATE --points @cut.npy --time 1 | claims the shape",
        "EVALUATE --points @lying.npy --time 1 | claims the shape (4000000000000, 2)",
        "EVALUATE --points @integers.npy --time 1 | astype",
        "EVALUATE --points @wide.npy --time 1 | --points must have 2 columns like the mixture",
        "EVALUATE --points @x.npy --time NaN | --time must lie in [0, Infinity]",
        "EVALUATE --points @x.npy --time -1 | --time must lie in",
        "EVALUATE --points @x.npy --time 2 --process vp | --time must lie in [0, 1.0]",
        "EVALUATE --points @x.npy --time soon | 'soon' is not a double",
        "EVALUATE --points @x.npy --time 1 --quantities speed | --quantities must be a list of",
        "EVALUATE --points @x.npy --time 1 --quantities score, | but has ''",
        "EVALUATE --points @x.npy --time 1 --quantities jvp | needs --direction",
        "EVALUATE --points @x.npy --time 1 --direction @short.npy | one row per point (2)",
        "EVALUATE --points @x.npy --time 1 --direction @wide.npy | --direction must have 2 columns",
        "EVALUATE --points @x.npy --time 1 --direction @x.npy --quantities score | --direction is",
        "EVALUATE --points @x.npy --time 1 --repeat 0 | --repeat must lie in",
        "EVALUATE --points @x.npy --time 1 --repeat 99999999 | --repeat must lie in",
        // Flows.
        "FLOW | give --noise X.npy, or --count N",
        "FLOW --count 3 --noise @x.npy | exclude each other",
        "FLOW --noise @x.npy --seed 1 | --seed goes with --count",
        "FLOW --count 0 | --count must be at least 1, but is 0",
        "FLOW --count -5 | --count must be at least 1, but is -5",
        "FLOW --count 1.5 | '1.5' is not a long",
        "FLOW --count 9000000000000000000 | rows",
        "FLOW --count 100000000000 | GiB",
        "FLOW --count 1e9 | is not a long",
        "FLOW --count 99999999999999999999 | is not a long",
        "FLOW --count 3 --seed x | 'x' is not a long",
        "FLOW --count 3 --reverse | --reverse begins with data",
        "FLOW --noise @wide.npy | --noise must have 2 columns like the mixture",
        "FLOW --count 3 --start 1 --end 1 | end",
        "FLOW --count 3 --start 1e-4 | end",
        "FLOW --count 3 --end 5 | end",
        "FLOW --count 3 --start NaN | start",
        "FLOW --count 3 --end NaN | end",
        "FLOW --count 3 --end -1 | end",
        "FLOW --count 3 --end 0 | end",
        "FLOW --count 3 --start Infinity | start",
        "FLOW --count 3 --start 2 --process vp | start must lie in [0, 1.0]",
        "FLOW --count 3 --grid log-snr | grid must be KIND:SEGMENTS",
        "FLOW --count 3 --grid linear:8 | grid kind must be one of",
        "FLOW --count 3 --grid log-snr:0 | segments must be a whole number",
        "FLOW --count 3 --grid log-snr:-1 | segments must be a whole number",
        "FLOW --count 3 --grid log-snr:x | segments must be a whole number",
        "FLOW --count 3 --grid log-snr:99999999999 | segments must be a whole number",
        "FLOW --count 3 --grid refined:1000000 | segments must lie in [1, 256] for a refined grid",
        "FLOW --count 100000 --trajectory --grid log-snr:1000000 | GiB",
        "FLOW --count 3 --solver magic | solver must be one of",
        "FLOW --count 3 --rtol 1e-3 | go with --solver dopri5",
        "FLOW --count 3 --solver dopri5 --rtol 0 | --rtol must lie in (0, 1)",
        "FLOW --count 3 --solver dopri5 --atol NaN | --atol must lie in (0, 1)",
        "FLOW --count 3 --plot @p.jpg | must end in .png or .svg",
        "FLOW --count 3 --log-likelihood @y.npy | same name",
        "FLOW --count 3 --plot @none/p.png | no such directory",
        "flow --mixture example:ring8 --count 3 --output @none/y.npy | no such directory",
        "flow --mixture example:ring8 --count 3 --output @ | is a directory",
        "flow --mixture @x.npy --count 3 --output @y.npy --grid uniform:4 --end 0 --solver heun |"
            + " t",
        // Networks.
        "network | compile or forward",
        "network backward | backward",
        "COMPILE | Missing required option: '--time=T[:T2]'",
        "COMPILE --time soon | --time must be a number T or two, T:T2, but is 'soon'",
        "COMPILE --time 1: | --time must be a number",
        "COMPILE --time 1:2:3 | --time must be a number",
        "COMPILE --time NaN | --time must lie in [0, Infinity]",
        "COMPILE --time 0.1:-1 | --time must lie in [0, Infinity]",
        "COMPILE --time 1:2 --process vp | --time must lie in [0, 1.0]",
        "COMPILE --time 0.1:0.2 --process vp-cosine | at a fixed time, --time T takes any",
        "COMPILE --time 1 --tolerance 0 | tolerance must be finite and > 0",
        "COMPILE --time 1e-3 --tolerance 1e-9 | a smaller one needs float64, see --precision f64",
        "network compile --mixture example:ring8 --time 1 --output @none/n | no such directory",
        "network forward | Missing required options",
        "network forward --network @none --points @x.npy --output @y.npy | none: no such file",
        "network forward --network @x.npy --points @x.npy --output @y.npy | is not a safetensors",
        "network forward --network @ --points @x.npy --output @y.npy | is a directory",
        // Grids.
        "GRID --kind log-snr | Missing required option: '--segments=S'",
        "GRID --kind log-snr --segments 0 | segments must be a whole number",
        "GRID --kind log-snr --segments 3000000000 | is not an int",
        "GRID --kind log-snr --segments 2000000 | segments must be a whole number",
        "GRID --kind none --segments 4 | grid kind must be one of",
        "GRID --kind uniform --segments 4 --end 4 | end",
        "GRID --kind uniform --segments 4 --start NaN | start",
        "GRID --kind uniform --segments 4 --output @none/g.npy | no such directory",
      })
  void refuses(String line, String reason) {
    String expanded =
        line.replace("FLOW", "flow --mixture example:ring8 --output @y.npy")
            .replace("EVALUATE", "evaluate --mixture example:ring8 --output @o")
            .replace("COMPILE", "network compile --mixture example:ring8 --output @n.safetensors")
            .replace("GRID", "grid --mixture example:ring8");
    if (expanded.isEmpty()) {
      Cli.run().refuses(reason);
    } else {
      Cli.run(folder, expanded).refuses(reason);
    }
  }

  @Test
  void refusesAFolderThatIsAFile() throws IOException {
    Files.writeString(folder.resolve("o"), "precious");
    Cli.run(folder, "evaluate --mixture example:ring8 --points @x.npy --time 1 --output @o")
        .refuses("is not a directory");
  }
}
