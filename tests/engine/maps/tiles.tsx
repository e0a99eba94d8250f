<?xml version="1.0" encoding="UTF-8"?>
<tileset version="1.10" tiledversion="1.12.1" name="people" tilewidth="32" tileheight="64" tilecount="4" columns="4" objectalignment="bottom">
 <tileoffset x="0" y="8"/>
 <image source="people.png" width="128" height="64"/>
 <tile id="1" type="Nurse">
  <properties>
   <property name="mood" value="tired"/>
   <property name="picture" type="file" value="../sprites/ann.png"/>
  </properties>
  <objectgroup draworder="index" id="2">
   <object id="1" x="4" y="40" width="24" height="24"/>
  </objectgroup>
 </tile>
</tileset>
