package org.fewstep.bench;

import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.fewstep.bench.Contest.Timing;
import org.fewstep.cuda.CudaDevice;

/**
 * What was measured on a device, beside its limits and what is asked.
 *
 * @param tasks in the order of their timings
 * @param failures reasons by name
 * @param judging whether figures are held against what is asked of them; not tiny ones
 */
record DeviceReport(
    CudaDevice device,
    List<DeviceTask> tasks,
    List<Timing> timings,
    List<HostTime> hostTimes,
    Map<String, String> failures,
    boolean judging) {

  /** Rates are asked of an H200; of other devices in proportion to their clocks. */
  private static final double REFERENCE_CLOCKS = 132 * 1.98e9;

  /** What a call on few rows may take of the host's time. */
  private static final double HOST_SECONDS = 30e-6;

  private static final String LIMITS =
      "seconds that the device cannot go below: counted instructions, exponentials, multiply-adds"
          + " and bytes over what its generation does in a second at the highest clocks; a product"
          + " at float32 accuracy takes "
          + DeviceRates.TENSOR_PASSES
          + " in TF32, or one FP32 instruction a multiply-add";

  /** The median time of the host in a call. */
  record HostTime(String name, double seconds) {}

  /** Prints a line for everything. */
  void print(PrintStream out) {
    for (int i = 0; i < timings.size(); i++) {
      print(out, tasks.get(i), timings.get(i));
    }
    for (HostTime time : hostTimes) {
      out.printf(Locale.ROOT, "%-58s %10.2f us of the host%n", time.name, 1e6 * time.seconds);
    }
    failures.forEach((name, reason) -> out.printf("FAILED %s: %s%n", name, reason));
  }

  private void print(PrintStream out, DeviceTask task, Timing timing) {
    Map<String, Double> limits = task.work().seconds(DeviceRates.of(device));
    String limit = DeviceWork.limit(limits);
    out.printf(
        Locale.ROOT,
        "%-58s %10.4f ms, median %10.4f ms, %10.4g %s%s%s%n",
        task.name(),
        1e3 * timing.best(),
        1e3 * timing.median(),
        task.amount() / timing.best(),
        task.unit(),
        limit.isEmpty()
            ? ""
            : ", %.2f of what %s allow".formatted(limits.get(limit) / timing.best(), limit),
        task.note().isEmpty() ? "" : " (" + task.note() + ")");
  }

  /** Writes everything to a file of JSON. */
  void write(Path file) throws IOException {
    DeviceRates rates = DeviceRates.of(device);
    try (JsonGenerator json = new JsonFactory().createGenerator(file.toFile(), JsonEncoding.UTF8)) {
      json.useDefaultPrettyPrinter();
      json.writeStartObject();
      json.writeStringField("date", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
      writeDevice(json);
      json.writeObjectFieldStart("rates");
      for (Map.Entry<String, Double> rate : rates.byName().entrySet()) {
        json.writeNumberField(rate.getKey(), rate.getValue());
      }
      json.writeEndObject();
      json.writeStringField("limits", LIMITS);
      json.writeArrayFieldStart("workloads");
      for (int i = 0; i < timings.size(); i++) {
        write(json, tasks.get(i), timings.get(i), rates);
      }
      json.writeEndArray();
      json.writeArrayFieldStart("hostTimes");
      for (HostTime time : hostTimes) {
        json.writeStartObject();
        json.writeStringField("name", time.name);
        json.writeNumberField("microseconds", 1e6 * time.seconds);
        if (judging) {
          json.writeNumberField("asked", 1e6 * HOST_SECONDS);
          json.writeBooleanField("holds", time.seconds <= HOST_SECONDS);
        }
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeObjectFieldStart("failures");
      for (Map.Entry<String, String> failure : failures.entrySet()) {
        json.writeStringField(failure.getKey(), failure.getValue());
      }
      json.writeEndObject();
      json.writeEndObject();
    }
  }

  private void writeDevice(JsonGenerator json) throws IOException {
    json.writeObjectFieldStart("device");
    json.writeStringField("name", device.name());
    json.writeStringField("computeCapability", device.major() + "." + device.minor());
    json.writeNumberField("multiprocessors", device.multiprocessors());
    json.writeNumberField("memoryBytes", device.memory());
    json.writeNumberField("clockHz", device.clock());
    json.writeNumberField("memoryBytesPerSecond", device.bandwidth());
    json.writeStringField("driverForCuda", device.driver());
    json.writeEndObject();
  }

  private void write(JsonGenerator json, DeviceTask task, Timing timing, DeviceRates rates)
      throws IOException {
    json.writeStartObject();
    json.writeStringField("name", task.name());
    if (!task.note().isEmpty()) {
      json.writeStringField("note", task.note());
    }
    json.writeNumberField("best", timing.best());
    json.writeNumberField("median", timing.median());
    json.writeArrayFieldStart("seconds");
    for (double seconds : timing.seconds()) {
      json.writeNumber(seconds);
    }
    json.writeEndArray();
    json.writeNumberField("rate", task.amount() / timing.best());
    json.writeStringField("unit", task.unit());
    if (judging && task.asked() > 0) {
      double asked = task.asked() * device.multiprocessors() * device.clock() / REFERENCE_CLOCKS;
      json.writeNumberField("asked", asked);
      json.writeBooleanField("holds", task.amount() / timing.best() >= asked);
    }
    Map<String, Double> limits = task.work().seconds(rates);
    json.writeStringField("limit", DeviceWork.limit(limits));
    json.writeObjectFieldStart("limits");
    for (Map.Entry<String, Double> limit : limits.entrySet()) {
      json.writeObjectFieldStart(limit.getKey());
      json.writeNumberField("seconds", limit.getValue());
      json.writeNumberField("fraction", limit.getValue() / timing.best());
      json.writeEndObject();
    }
    json.writeEndObject();
    json.writeEndObject();
  }
}
