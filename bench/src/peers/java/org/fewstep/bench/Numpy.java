package org.fewstep.bench;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.fewstep.backend.Availability;

/**
 * numpy in a Python process that is told when to run, so that it takes its turns like the others,
 * and that reads its own clock, so that the pipe is not measured.
 */
public final class Numpy implements Peer {

  private static final String SCRIPT = "numpy_score.py";

  /** Found as a service. */
  public Numpy() {}

  @Override
  public String name() {
    return "numpy";
  }

  @Override
  public Availability availability() {
    try {
      Process process =
          new ProcessBuilder("python3", "-c", "import numpy; print('numpy', numpy.__version__)")
              .redirectErrorStream(true)
              .start();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      String last = said.lines().reduce((first, second) -> second).orElse("no answer");
      return new Availability(process.waitFor() == 0, last.strip());
    } catch (IOException e) {
      return new Availability(false, "python3 does not start: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return new Availability(false, "interrupted");
    }
  }

  @Override
  public List<Contender> score(Workload workload, int threads) {
    List<Contender> ways = new ArrayList<>();
    try {
      ways.add(new Worker("expanded", workload, threads));
      if (workload.dimension() <= 16) {
        ways.add(new Worker("difference", workload, threads));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return ways;
  }

  /** One Python process with one problem. */
  private static final class Worker implements Contender {

    private final String form;
    private final Path folder;
    private final Process process;
    private final BufferedReader answers;
    private final BufferedWriter commands;

    private Worker(String form, Workload workload, int threads) throws IOException {
      this.form = form;
      folder = Files.createTempDirectory("fewstep-numpy");
      SharedIsotropic constants = SharedIsotropic.of(workload.mixture());
      List<String> command = new ArrayList<>();
      command.add("python3");
      command.add(script().toString());
      command.add(Long.toString(workload.rows()));
      command.add(Integer.toString(workload.dimension()));
      command.add(Integer.toString(workload.components()));
      command.add(Double.toString(constants.variance()));
      command.add(file("x", workload.points()));
      command.add(file("means", constants.means()));
      command.add(file("rows", constants.rows()));
      command.add(file("columns", constants.columns()));
      command.add(file("log-weights", constants.logWeights()));
      command.add(file("offsets", constants.offsets()));
      ProcessBuilder builder =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
      for (String library : List.of("OMP", "OPENBLAS", "MKL", "NUMEXPR")) {
        builder.environment().put(library + "_NUM_THREADS", Integer.toString(threads));
      }
      process = builder.start();
      answers = process.inputReader(StandardCharsets.UTF_8);
      commands = process.outputWriter(StandardCharsets.UTF_8);
      answer();
    }

    private Path script() throws IOException {
      Path copy = folder.resolve(SCRIPT);
      try (InputStream resource = Numpy.class.getResourceAsStream("/" + SCRIPT)) {
        Files.copy(resource, copy, StandardCopyOption.REPLACE_EXISTING);
      }
      return copy;
    }

    private String file(String name, float[] values) throws IOException {
      ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * values.length);
      bytes.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(values);
      return Files.write(folder.resolve(name), bytes.array()).toString();
    }

    @Override
    public String name() {
      return "numpy " + form;
    }

    @Override
    public double seconds(int calls) {
      return Double.parseDouble(ask("time %s %d".formatted(form, calls)));
    }

    @Override
    public float[] result() {
      Path file = folder.resolve("score");
      ask("save %s %s".formatted(form, file));
      try {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file));
        float[] values = new float[bytes.capacity() / Float.BYTES];
        bytes.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
        return values;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private String ask(String command) {
      try {
        commands.write(command + "\n");
        commands.flush();
        return answer();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private String answer() throws IOException {
      String line = answers.readLine();
      if (line == null) {
        throw new IOException("numpy's process ended early; it says why on stderr");
      }
      return line;
    }

    @Override
    public void close() {
      process.destroy();
      try (Stream<Path> files = Files.list(folder)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
        Files.delete(folder);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
