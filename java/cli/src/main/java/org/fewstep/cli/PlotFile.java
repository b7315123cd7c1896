package org.fewstep.cli;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.file.Path;
import java.util.Locale;
import javax.imageio.ImageIO;
import org.fewstep.io.AtomicFile;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler.LegendPosition;

/** A chart as a picture: PNG or SVG by the ending of the file. */
final class PlotFile {

  /** Pixels of a PNG per unit of the chart, for sharp screens. */
  private static final int SCALE = 2;

  static final int WIDTH = 800;
  static final int HEIGHT = 600;

  /** Told apart by people who see colours differently, too. */
  static final Color BLUE = new Color(0x1F77B4);

  static final Color ORANGE = new Color(0xD95F02);
  static final Color GREY = new Color(0x404040);

  private PlotFile() {}

  /** Refuses a file whose ending is neither .png nor .svg. */
  static void requireKnown(Path path) {
    if (!isSvg(path) && !hasEnding(path, ".png")) {
      throw new IllegalArgumentException("--plot must end in .png or .svg, but is " + path);
    }
  }

  private static boolean isSvg(Path path) {
    return hasEnding(path, ".svg");
  }

  private static boolean hasEnding(Path path, String ending) {
    return path.toString().toLowerCase(Locale.ROOT).endsWith(ending);
  }

  /** An empty chart in the style that all plots share. */
  static XYChart chart(String title, String xTitle, String yTitle, int width, int height) {
    // No picture of ours needs a screen, and looking for one can fail.
    System.setProperty("java.awt.headless", "true");
    XYChart chart =
        new XYChartBuilder()
            .title(title)
            .xAxisTitle(xTitle)
            .yAxisTitle(yTitle)
            .width(width)
            .height(height)
            .build();
    chart
        .getStyler()
        .setChartBackgroundColor(Color.WHITE)
        .setPlotBorderColor(Color.LIGHT_GRAY)
        .setLegendPosition(LegendPosition.OutsideE)
        .setLegendBorderColor(Color.WHITE)
        .setChartTitleBoxVisible(false);
    chart.getStyler().setPlotGridLinesColor(new Color(0xE6E6E6));
    return chart;
  }

  /** Writes a chart. */
  static void write(Path path, XYChart chart) throws IOException {
    AtomicFile.write(
        path,
        channel -> {
          // Closing is the channel's own business.
          OutputStream stream = Channels.newOutputStream(channel);
          if (isSvg(path)) {
            VectorGraphicsEncoder.saveVectorGraphic(chart, stream, VectorGraphicsFormat.SVG);
          } else {
            ImageIO.write(paint(chart, SCALE), "png", stream);
          }
        });
  }

  /** Paints a chart, after which it knows where its points lie. */
  static BufferedImage paint(XYChart chart, int scale) {
    BufferedImage image =
        new BufferedImage(
            chart.getWidth() * scale, chart.getHeight() * scale, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    graphics.scale(scale, scale);
    chart.paint(graphics, chart.getWidth(), chart.getHeight());
    graphics.dispose();
    return image;
  }
}
