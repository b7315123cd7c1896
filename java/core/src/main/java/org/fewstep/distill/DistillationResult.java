package org.fewstep.distill;

import java.util.List;

/**
 * What a distillation gave.
 *
 * @param flow the sampler
 * @param segments one report a segment, from noise to data
 * @param error end to end, from samples of the start's density, on held-out trajectories
 */
public record DistillationResult(
    DistilledFlow flow, List<SegmentReport> segments, FlowError error) {

  /** Keeps its own copy of the list. */
  public DistillationResult {
    segments = List.copyOf(segments);
  }
}
