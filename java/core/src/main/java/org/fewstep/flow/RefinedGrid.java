package org.fewstep.flow;

import org.fewstep.backend.Backend;
import org.fewstep.grid.TimeGrid;

final class RefinedGrid {
  static TimeGrid of(Flow flow, int segments, Backend backend) {
    throw new UnsupportedOperationException("refined");
  }
}
